#!/bin/sh
# A SLURM of one node on this machine, for tests: `tests/pipeline/slurm.sh start` and `stop`. Needs root and Debian's packages
# slurm-wlm and munge. It writes /etc/slurm/slurm.conf, and refuses where one of somebody else's is.
set -eu
CONF=/etc/slurm/slurm.conf
MARK="# written by tests/pipeline/slurm.sh"

stop() {
    for name in slurmctld slurmd munged; do
        pid=/run/relatent-slurm/$name.pid
        [ ! -f "$pid" ] || kill "$(cat "$pid")" 2>/dev/null || true
    done
    rm -rf /run/relatent-slurm/state
    # with it left behind, every start of Snakemake waits 9 s for a controller that is gone: its SLURM plugin asks for it
    if [ -f $CONF ] && grep -q "$MARK" $CONF; then rm $CONF; fi
}

start() {
    for tool in munged slurmctld slurmd; do
        PATH=$PATH:/usr/sbin command -v $tool >/dev/null || { echo "error: no $tool; apt-get install slurm-wlm munge" >&2; exit 1; }
    done
    [ "$(id -u)" = 0 ] || { echo "error: starting SLURM needs root" >&2; exit 1; }
    if [ -f $CONF ] && ! grep -q "$MARK" $CONF; then
        echo "error: $CONF is not of this script; a SLURM seems to be configured here" >&2
        exit 1
    fi
    node=$(hostname -s)
    memory=$(awk '/MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
    mkdir -p /etc/slurm /run/relatent-slurm/state/ctld /run/relatent-slurm/state/d /run/munge
    chown munge: /run/munge /run/relatent-slurm
    [ -f /etc/munge/munge.key ] || mungekey --create
    cat >$CONF <<END
$MARK
ClusterName=relatent
SlurmctldHost=$node(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
MinJobAge=600
ReturnToService=2
SchedulerParameters=sched_interval=2,batch_sched_delay=0,defer_batch
StateSaveLocation=/run/relatent-slurm/state/ctld
SlurmdSpoolDir=/run/relatent-slurm/state/d
SlurmctldPidFile=/run/relatent-slurm/slurmctld.pid
SlurmdPidFile=/run/relatent-slurm/slurmd.pid
SlurmctldLogFile=/run/relatent-slurm/slurmctld.log
SlurmdLogFile=/run/relatent-slurm/slurmd.log
NodeName=$node NodeAddr=127.0.0.1 CPUs=$(env -u OMP_NUM_THREADS nproc) RealMemory=$memory State=UNKNOWN
PartitionName=all Nodes=$node Default=YES MaxTime=INFINITE State=UP
END
    setpriv --reuid munge --regid munge --clear-groups munged --pid-file=/run/relatent-slurm/munged.pid --force
    PATH=$PATH:/usr/sbin slurmctld
    PATH=$PATH:/usr/sbin slurmd
    for _ in $(seq 50); do
        [ "$(sinfo --noheader --format=%T 2>/dev/null)" = idle ] && exit 0
        sleep 0.2
    done
    echo "error: the node did not come up; see /run/relatent-slurm/*.log" >&2
    exit 1
}

case "${1:-}" in
start) start ;;
stop) stop ;;
*) echo "usage: tests/pipeline/slurm.sh start|stop" >&2; exit 2 ;;
esac
