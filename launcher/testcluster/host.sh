# PID 1 of a host. $1: its number, $2: the cluster's folder, further: folders that stay visible.
i=$1 dir=$2
shift 2
set -e
hostname "h$i"
mount -n --make-rprivate /
mount -n -t proc proc /proc
mount -n --bind "$dir/hosts" /etc/hosts
mount -n --bind "$dir/h$i/hostname" /etc/hostname
mount -n --bind "$dir/h$i/resolv.conf" /etc/resolv.conf
mount -n -t tmpfs -o mode=755 run /mnt
mount -n --move /mnt /run
mkdir -p /run/sshd
mount -n -t tmpfs -o size=256m,mode=1777 shm /dev/shm
# The new /tmp is put together before it hides what stays visible in it.
mount -n -t tmpfs -o size=2g,mode=1777 tmp /mnt
for keep in "$dir" "$@"; do
	case $keep in
	/tmp/*)
		mkdir -p "/mnt/${keep#/tmp/}"
		mount -n --bind "$keep" "/mnt/${keep#/tmp/}"
		;;
	esac
done
mount -n --move /mnt /tmp
mount -n -t tmpfs -o size=512m,mode=700 home /root
mkdir -m 700 /root/.ssh
cp "$dir/ssh_config" /root/.ssh/config
chmod 600 /root/.ssh/config
# sshd ends and is started again when its configuration changes; orphans are reaped by wait.
trap : USR1
echo ready >"$dir/h$i/ready"
while :; do
	/usr/sbin/sshd -D -f "$dir/h$i/sshd_config" -E "$dir/h$i/sshd.log" &
	sshd=$!
	echo $sshd >"$dir/h$i/sshd.pid"
	while kill -0 $sshd 2>/dev/null; do wait -n || true; done
done
