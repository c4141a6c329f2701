#!/usr/bin/env bash
# real-node.sh NAME FOLDER ADDRESS CONTROL_PLANE [FROM AT]...: a container runtime and a kubelet, with the
# folders FROM seen at AT. To be the first process of a PID and a mount namespace: all that runs here ends with
# it, containers and their shims too, and no mount is seen outside.
set -euo pipefail
name=$1 folder=$2 address=$3 control_plane=$4
shift 4

while [ $# -gt 0 ]; do
  mount --bind "$1" "$2"
  shift 2
done
# Runtime, plugins and kubelet keep things here, whatever they are told.
for place in /run /var/lib /var/log; do mount -t tmpfs tmpfs "$place"; done
# The kubelet sets these for the whole machine, and it does not need them: it gets files of the same names.
for setting in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
  mkdir -p "$folder/settings/${setting%/*}"
  cat "/proc/sys/$setting" >"$folder/settings/$setting"
  mount --bind "$folder/settings/$setting" "/proc/sys/$setting"
done
# Version 2 of cgroups has one tree, version 1 one for each controller; some of these have two names.
trees=(/sys/fs/cgroup/*/)
[ ! -e /sys/fs/cgroup/cgroup.controllers ] || trees=(/sys/fs/cgroup)
for tree in "${trees[@]}"; do mkdir -p "$tree/$name"; done

# This host, the runtime and the pods share one wire. No route leads off it: a pod reaches this host's address and nothing else.
ip netns add node
ip link add "$name" type veth peer name host netns node
ip address add "$address/24" dev "$name"
ip link set "$name" up
in_node() { nsenter --net=/run/netns/node "$@"; }
in_node ip link set lo up
in_node ip link add pods type bridge
in_node ip link set host master pods
in_node ip link set host up
in_node ip link set pods up

in_node containerd --config "$folder/containerd.toml" &
until [ -S "$folder/containerd.sock" ]; do
  kill -0 $!
  sleep 0.1
done
"$control_plane" kubelet --kubeconfig "$folder/kubeconfig" --config "$folder/kubelet.json" --root-dir "$folder/kubelet" \
  --cert-dir "$folder/kubelet-certificates" --hostname-override real --node-ip "$address" --node-labels nvidia.com/gpu.product=real &
wait -n
