# shellcheck shell=bash
# A Slurm cluster on this machine: a controller and several nodes, each a slurmd with a port of its
# own, without systemd, cgroups or accounting. To be sourced; everything lies in the folder $cluster.

cluster_nodes=4

free_ports() { # how many in a row
    python3 - "$1" <<'P'
import socket
import sys

n = int(sys.argv[1])
for base in range(23000, 32000, n):
    socks = [socket.socket() for _ in range(n)]
    try:
        for i, s in enumerate(socks):
            s.bind(("0.0.0.0", base + i))
        print(base)
        break
    except OSError:
        pass
    finally:
        for s in socks:
            s.close()
P
}

# Starts a daemon that stays in the foreground, so that its process is known.
cluster_daemon() { # name, command ...
    local name=$1
    shift
    "$@" >"$cluster/$name.log" 2>&1 </dev/null 9>&- &
    echo $! >"$cluster/pids/$name"
    # Its end is no news.
    disown
}

cluster_node() { # number
    cluster_daemon "node$1" slurmd -D -N "node$1" -f "$cluster/slurm.conf"
}

cluster_start() { # folder
    cluster=$1
    local port i
    port=$(free_ports $((cluster_nodes + 1)))
    [ -n "$port" ] || return 1
    mkdir -p "$cluster/state" "$cluster/pids" "$cluster/munge" || return 1
    chmod 755 "$cluster" "$cluster/munge"
    head -c 128 /dev/urandom >"$cluster/munge/key" && chmod 600 "$cluster/munge/key"
    cat >"$cluster/slurm.conf" <<C
ClusterName=heatpipe
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$cluster/munge/socket
CredType=cred/munge
StateSaveLocation=$cluster/state
SlurmdSpoolDir=$cluster/spool.%n
SlurmctldPidFile=$cluster/slurmctld.pid
SlurmdPidFile=$cluster/slurmd.%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=1,sched_interval=2
SchedulerType=sched/builtin
SlurmdTimeout=300
KillWait=2
ReturnToService=2
MaxArraySize=10001
MaxJobCount=20000
NodeName=node[0-$((cluster_nodes - 1))] NodeAddr=127.0.0.1 NodeHostname=$(hostname -s) Port=[$((port + 1))-$((port + cluster_nodes))] CPUs=1 RealMemory=4000
PartitionName=short Nodes=ALL Default=YES MaxTime=INFINITE State=UP
C
    # No plugin is asked for a group, but one is loaded; later versions can do without.
    case $(slurmd -V) in
    'slurm-wlm 2'[012].* | 'slurm 2'[012].*) printf 'CgroupPlugin=cgroup/v1\n' ;;
    *) printf 'CgroupPlugin=disabled\n' ;;
    esac >"$cluster/cgroup.conf"
    export SLURM_CONF=$cluster/slurm.conf
    cluster_daemon munged munged --foreground --force --key-file="$cluster/munge/key" --socket="$cluster/munge/socket" \
        --pid-file="$cluster/munge/pid" --log-file="$cluster/munge/log" --seed-file="$cluster/munge/seed"
    for ((i = 0; i < 50; i++)); do
        [ ! -S "$cluster/munge/socket" ] || break
        sleep 0.1
    done
    cluster_daemon slurmctld slurmctld -D -f "$cluster/slurm.conf"
    for ((i = 0; i < cluster_nodes; i++)); do cluster_node "$i"; done
    for ((i = 0; i < 300; i++)); do
        [ "$(sinfo -h -N -o '%T' 2>/dev/null | grep -c '^idle$')" -lt "$cluster_nodes" ] || return 0
        sleep 0.2
    done
    return 1
}

# Ends the processes of the jobs, then the daemons.
cluster_stop() {
    local f pid i
    [ -n "${cluster-}" ] || return 0
    scancel --user="$(id -un)" --full --signal=KILL 2>/dev/null
    scancel --user="$(id -un)" 2>/dev/null
    for ((i = 0; i < 25; i++)); do
        [ -n "$(squeue -h 2>/dev/null)" ] || break
        sleep 0.2
    done
    for f in "$cluster"/pids/*; do kill "$(<"$f")" 2>/dev/null; done
    for f in "$cluster"/pids/*; do
        pid=$(<"$f")
        for ((i = 0; i < 50; i++)); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.2
        done
        kill -KILL "$pid" 2>/dev/null
    done
    cluster=
}
