"""Programs of a system, which a script of the same name would take the place of.

An environment's scripts stand first on the path. These are what Debian's bash, coreutils, dash,
debianutils, diffutils, dpkg, findutils, grep, gzip, libc-bin, login, ncurses-bin, passwd, procps,
sed, tar and util-linux bring, with what git, ssh, containers, compilers and a machine of notebooks
start by name: desktops, fonts, browsers, version control, document tools. Left out are words that
projects call tasks of their own: `test`, `watch`, `script`, `reset`, `convert`, `play`.
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
_OF_DESKTOPS = """
    aclocal addr2line afplay aplay arp autoconf autoheader automake autoreconf bison c++filt c89
    c99 chrome chromium chromium-browser clang++ codesign cpp crontab cscript curl-config
    dbus-launch dbus-send dconf dmidecode dvipdf dvipdfm dvipng dvips dvisvgm elinks epiphany
    espeak fc-cache fc-list fc-match fc-pattern fc-query fc-scan firefox flex g77 gcc-ar gcc-nm
    gcc-ranlib gconftool gdbserver geos-config getfacl ghostscript gio gitk gmake gnome-open
    google-chrome google-chrome-stable gpg-agent gpg2 gpgconf gpgsm gs gsed gsettings gswin32c
    gswin64c gtar gvfs-open hdfs hwinfo icc iceweasel icpc ifconfig ifort inkscape
    install_name_tool iwconfig javap journalctl kbuildsycoca5 kde-open kde-open5 kfmclient kinit
    klist konqueror kpsewhich krb5-config kreadconfig5 launchctl ld.bfd ld.lld libreoffice
    libtool libtoolize lipo lldb loginctl lp lpr lpstat lshw lsof lspci lsusb ltrace lualatex
    luatex lynx m4 magick mogrify mozilla mutt mysql mysql_config mysqldump ncat netstat
    nm-online nmake nmcli notify-send numactl objcopy octave osascript otool pactl paplay pbcopy
    pbpaste pdfcrop pdfinfo pdflatex pdftex pdftocairo pdftoppm pdftotext pg_config pg_dump
    pinentry pkexec pkgconf powershell psql pwsh ranlib readelf regsvr32 rundll32 sadf sbatch
    scutil seamonkey secret-tool sendmail sensible-browser setfacl setxkbmap smbclient soffice
    squeue srun ss sshd sshfs sshpass sw_vers system_profiler systemd-run tclsh telnet
    timedatectl traceroute unoconv unrar update-desktop-database update-mime-database valgrind
    vswhere w3m wl-copy wl-paste wsl wslview www-browser x-terminal-emulator x-www-browser xclip
    xcodebuild xcrun xdg-desktop-menu xdg-email xdg-icon-resource xdg-mime xdg-open
    xdg-screensaver xdg-settings xdg-user-dir xdg-user-dirs-update xdpyinfo xelatex xml2-config
    xprop xrandr xsel xset xslt-config xterm zenity
"""
PROGRAMS = frozenset((_PROGRAMS + _OF_DESKTOPS).split())
_ALIKE = """
    7z 7za 7zr aria2c axel bazel bibtex brew buildah bun bunx ccache cvs cygpath darcs deno
    distcc dotnet electron exiftool ffmpeg ffplay ffprobe flatpak fossil gcloud gem git-annex
    git-credential-manager git-credential-oauth git-crypt git-filter-repo git-flow git-lfs
    git-secret gnuplot gradle gsutil hadoop helm hipcc hipconfig julia juliaup kubectx latex
    minikube mvn neato nerdctl nvidia-ctk nvidia-settings optipng patchelf php pngquant pnpm
    qemu-img rclone rocm-smi rocminfo rustfmt rustup sbt scala sccache sfdp skopeo socat sox
    sqlite3 svn svnversion swig terraform tesseract tofu tsc twopi wkhtmltoimage wkhtmltopdf
    yarn zig
"""
NAMED_ALIKE = frozenset(_ALIKE.split())
"""Programs that libraries start, and projects named like them, or popular ones, bring."""
