# end-real-node.sh NAME: removes what outlives the processes of a real node. They may still be dying.
name=$1
ip link delete "$name" 2>/dev/null
cgroups() { find /sys/fs/cgroup -maxdepth 2 -type d -name "$name"; }
for _ in $(seq 100); do
  [ -n "$(cgroups)" ] || exit 0
  cgroups | while read -r cgroup; do find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null; done
  sleep 0.1
done
exit 1
