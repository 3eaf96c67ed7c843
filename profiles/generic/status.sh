#!/bin/sh
# Print running, success or failed for a job's number on SLURM; other systems need their own command
# here, such as qstat or bjobs.
state=$(scontrol --oneliner show job "$1" 2>/dev/null | grep -o 'JobState=[A-Z_]*' | cut -d= -f2)
[ -n "$state" ] || state=$(sacct --noheader --allocations --format=State --jobs "$1" 2>/dev/null | awk '{print $1}')
case "$state" in
COMPLETED) echo success ;;
PENDING | CONFIGURING | RUNNING | COMPLETING | SUSPENDED | PREEMPTED | REQUEUED) echo running ;;
*) echo failed ;;
esac
