"""Programs of a system, which a script of the same name would take the place of.

An environment's scripts stand first on the path. These are what Debian's bash, coreutils, dash,
debianutils, diffutils, dpkg, findutils, grep, gzip, libc-bin, login, ncurses-bin, passwd, procps,
sed, tar and util-linux bring, with what git, ssh, containers, compilers and a machine of notebooks
start by name. Left out are words that projects call tasks of their own: `test`, `watch`,
`script`, `reset`.
"""

_PROGRAMS = """
    add-shell addpart agetty amazon-ssm-agent apk apt apt-cache apt-cdrom apt-config apt-get
    apt-key apt-mark ar arch as ash awk aws-iam-authenticator b2sum base32 base64 basename
    basenc bash bashbug blkdiscard blkid blkzone blockdev bunzip2 bzip2 c++ captoinfo cargo cat
    cc chage chcon chcpu chfn chgpasswd chgrp chmem chmod choom chown chpasswd chroot chrt chsh
    cksum clang clear clear_console cmp comm cp cpgr cppw crontab csh csplit ctrlaltdel curl cut
    dash date dd delpart df diff diff3 dig dir dircolors dirname dmesg dnf dnsdomainname docker
    docker-credential-desktop docker-credential-ecr-login docker-credential-pass domainname dpkg
    dpkg-deb dpkg-divert dpkg-query dpkg-split dpkg-statoverride dpkg-trigger du echo ed egrep
    env expand expiry expr factor faillog fallocate false fgrep file find findfs findmnt fish
    flock fmt fold free fsck fsfreeze fstrim g++ gawk gcc gdb getconf getent getopt getty
    gfortran gh git git-credential-cache git-credential-store git-receive-pack git-remote-ext
    git-remote-fd git-remote-ftp git-remote-ftps git-remote-http git-remote-https git-shell
    git-upload-archive git-upload-pack go gpasswd gpg grep groupadd groupdel groupmems groupmod
    groups grpck grpconv grpunconv gunzip gzexe gzip hardlink head host hostid hostname iconv
    iconvconfig id infocmp infotocap install installkernel ionice ip ipcmk ipcrm ipcs ischroot
    isosize java javac join jq kill ksh kubectl lastb lastlog ld ld.gold ldattach ldconfig ldd
    less lessecho lessfile lesskey lesspipe linux32 linux64 ln locale localedef login logname
    losetup ls lsb_release lsblk lscpu lsipc lslocks lslogins lsmem lsns make mawk mcookie
    md5sum mesg mkdir mkfifo mkfs mknod mkswap mktemp more mount mountpoint mv namei nano nc
    netcat newgrp newusers nice nisdomainname nl nm nohup nologin nproc nsenter nslookup numfmt
    nvcc nvidia-smi objdump od openssl pandoc partx passwd paste patch pathchk perl pgrep
    pidwait ping pinky pivot_root pkg-config pkill pldd pmap podman pr printenv printf prlimit
    ps ptx pwck pwconv pwd pwdx pwunconv rbash readlink readprofile realpath remove-shell
    renice resizepart rev rgrep rm rmdir rmt-tar rpm rscript rsync rtcwake ruby run-parts runcon
    runuser rustc savelog scp screen scriptlive scriptreplay sdiff sed seq service
    session-manager-plugin setarch setpriv setsid setterm sftp sg sh sha1sum sha224sum sha256sum
    sha384sum sha512sum shadowconfig shred shuf skill slabtop sleep slogin snice sort split ssh
    ssh-add ssh-agent ssh-askpass ssh-copy-id ssh-keygen ssh-keyscan start-stop-daemon stat
    stdbuf strace strip stty su sudo sulogin sum swaplabel swapoff swapon switch_root sync
    sysctl systemctl tabs tac tail tar tarcat taskset tcsh tee tempfile tic timeout tload tmux
    toe top touch tput tr true truncate tset tsort tty tzselect uclampset umount uname
    uncompress unexpand uniq unlink unshare unxz unzip update-alternatives update-shells uptime
    useradd userdel usermod utmpdump vdir vi vigr vim vipw vmstat wall wc wdctl wget whereis
    which who whoami wipefs xargs xz yes ypdomainname yum zcat zcmp zdiff zdump zegrep zfgrep
    zforce zgrep zic zip zless zmore znew zramctl zsh zstd
"""
PROGRAMS = frozenset(_PROGRAMS.split())
