#!/usr/bin/env bash
# A SLURM of a controller and two nodes on this machine, to try batch scripts on:
#   scripts/slurm.sh start DIR   starts it; what it writes is in DIR
#   scripts/slurm.sh node DIR N  starts node N again, 1 or 2, after its end
#   scripts/slurm.sh stop DIR    ends it and what runs on it
# It needs no root, listens on the loopback only and lets in only who started it.
# Each node has one CPU and one GPU that is none, since scripts ask for one. Jobs are
# noticed to be lost within seconds, and wait 10 s before they start again, where a real
# cluster takes minutes. SLURM_PORT is the first of three ports (default 16817).
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin"

configure() {
  local port=${SLURM_PORT:-16817} me host
  me=$(id -un)
  host=$(hostname -s)
  cat > "$dir/slurm.conf" <<CONF
ClusterName=local
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=$me
SlurmdUser=$me
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
AuthType=auth/munge
AuthInfo=socket=$dir/munge.socket,cred_expire=10
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool-%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/%n.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/%n.log
# No cgroups, which take root and systemd; no accounting.
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=1,sched_interval=2
SlurmdParameters=config_overrides
SlurmdTimeout=10
ReturnToService=2
KillWait=30
GresTypes=gpu
NodeName=node1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 1)) CPUs=1 Gres=gpu:1
NodeName=node2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 2)) CPUs=1 Gres=gpu:1
PartitionName=all Nodes=node[1-2] Default=YES MaxTime=INFINITE State=UP
CONF
  echo 'NodeName=node[1-2] Name=gpu File=/dev/null' > "$dir/gres.conf"
}

node() {
  slurmd -N "node$1"
}

start() {
  for program in munged slurmctld slurmd sbatch; do
    command -v "$program" > /dev/null || {
      echo "$program is missing; on Debian: apt-get install slurm-wlm munge" >&2
      exit 1
    }
  done
  stop
  mkdir -p -m 700 "$dir"
  mkdir -p "$dir/state"
  [ -e "$dir/munge.key" ] || (umask 077 && head -c 1024 /dev/urandom > "$dir/munge.key")
  configure
  # Forced, since it wants a folder that everybody can enter.
  munged --force --socket="$dir/munge.socket" --key-file="$dir/munge.key" \
    --pid-file="$dir/munge.pid" --log-file="$dir/munge.log" \
    --seed-file="$dir/munge.seed" 2>> "$dir/munge.log" || {
    echo "munged did not start; see $dir/munge.log" >&2
    exit 1
  }
  slurmctld
  node 1
  node 2
  for _ in $(seq 100); do
    [ "$(sinfo -h -t idle -o %D 2> /dev/null)" = 2 ] && return
    sleep 0.1
  done
  echo "the nodes did not come up; see $dir/slurmctld.log" >&2
  exit 1
}

stop() {
  for name in node1 node2 slurmctld munge; do
    # Only what was started here: a process may have the number of one before it.
    if [ -e "$dir/$name.pid" ] && pid=$(cat "$dir/$name.pid") \
      && grep -qs -e slurm -e munge "/proc/$pid/comm"; then
      kill "$pid"
      while [ -e "/proc/$pid" ]; do sleep 0.1; done
    fi
  done
}

command=${1:?start, node or stop} dir=$(realpath -m "${2:?the folder}")
export SLURM_CONF="$dir/slurm.conf"
case $command in
  start)
    start
    echo "export SLURM_CONF=$SLURM_CONF"
    ;;
  node) node "${3:?1 or 2}" ;;
  stop) stop ;;
  *) echo "$command is not known; start, node or stop" >&2 && exit 2 ;;
esac
