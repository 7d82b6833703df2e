// Package serviceconfig reads the text files by which a product makes itself known to
// the system: units and init scripts, cron tables, autostart entries, kernel
// module lists, package repositories.
//
// All that they say is noted, watched or not: of the files that belong to a
// package of the system the scan keeps only what is watched. A program that
// such a file names is what the file says, and no proof that the program is
// there.
package serviceconfig

import (
	"context"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/readfile"
)

const (
	name    = "traces"
	version = 1
)

const (
	// maxSize is how many bytes of a file are read.
	maxSize = 1 << 20
	// maxFacts is how many facts of one file are noted; more are a gap.
	maxFacts = 512
)

type detector struct{}

// New returns the detector. It notes the same whatever is watched.
func New(*sbom.Watch) scanner.Detector { return detector{} }

func (detector) Name() string { return name }
func (detector) Version() int { return version }

// Wants goes by the path: such files have no magic. Only the path inside the
// innermost container counts, and of that only its last folders: a product's
// payload often lies below a folder of its own.
func (detector) Wants(f *scanner.File) bool {
	return f.Size > 0 && formOf(readfile.Inner(f.Path)) != nil
}

// Detect reads the file. Text that is not what the file's name promises says
// nothing, and is no gap.
func (detector) Detect(ctx context.Context, f *scanner.File) (scanner.Result, error) {
	b, gaps, err := readfile.Read(f, maxSize)
	if err != nil {
		return scanner.Result{}, err
	}
	p := readfile.Inner(f.Path)
	n := &notes{path: p}
	formOf(p)(n, b)
	if n.more {
		gaps = append(gaps, sbom.Gap{Reason: sbom.Limit, Detail: "only its first facts were noted"})
	}
	if len(n.evidence) == 0 {
		return scanner.Result{Gaps: gaps}, ctx.Err()
	}
	return scanner.Result{
		Component: &sbom.Component{Type: sbom.FileType, Name: path.Base(p), Evidence: n.evidence},
		Gaps:      gaps,
	}, ctx.Err()
}

// notes gathers what one file says.
type notes struct {
	path     string // inside the innermost container
	evidence []sbom.Evidence
	more     bool
}

// add notes one fact. One that is empty or already noted is passed over.
func (n *notes) add(k sbom.Kind, value, where string) {
	e := sbom.Evidence{Kind: k, Value: sbom.CleanValue(value), Where: where}
	if e.Value == "" || slices.ContainsFunc(n.evidence, func(o sbom.Evidence) bool { return o.Kind == k && o.Value == e.Value }) {
		return
	}
	if len(n.evidence) >= maxFacts {
		n.more = true
		return
	}
	n.evidence = append(n.evidence, e)
}

// programs notes the programs that a command runs.
func (n *notes) programs(k sbom.Kind, command, where string) {
	for _, p := range programs(command) {
		n.add(k, p, where)
	}
}

// repository notes an address if it is one of a remote host. A password in it
// is not noted.
func (n *notes) repository(address, where string) {
	u, err := url.Parse(strings.Trim(address, `"'`))
	if err != nil {
		// Placeholders such as {release} are no valid address: cut what is after the host.
		scheme, rest, _ := strings.Cut(address, "://")
		host, _, _ := strings.Cut(rest, "/")
		if u, err = url.Parse(scheme + "://" + host); err != nil {
			return
		}
	}
	if u.Host == "" || u.Scheme == "" || u.Scheme == "file" {
		return
	}
	u.User = nil
	s := u.String()
	if plain, err := url.PathUnescape(s); err == nil {
		s = plain // "$releasever" and the like, as written
	}
	n.add(sbom.RepoURL, s, where)
}

// form reads one form of file.
type form func(*notes, []byte)

// formOf tells by its path what a file is; nil is none of ours.
func formOf(p string) form {
	dir, base := path.Split(p)
	if f := byFolder(dir, base); f != nil {
		return f
	}
	switch path.Ext(base) {
	case ".service", ".socket", ".timer", ".path":
		if strings.Contains(dir, "/systemd/") {
			return unit
		}
		if strings.Contains(dir, "/dbus-1/") {
			return launcher
		}
	case ".desktop":
		if strings.HasSuffix(dir, "/autostart/") {
			return launcher
		}
	case ".list":
		if strings.HasSuffix(dir, "/apt/sources.list.d/") {
			return aptList
		}
	case ".sources":
		if strings.HasSuffix(dir, "/apt/sources.list.d/") {
			return aptSources
		}
	case ".repo":
		if strings.HasSuffix(dir, "/yum.repos.d/") || strings.HasSuffix(dir, "/zypp/repos.d/") || strings.HasSuffix(dir, "/distro.repos.d/") {
			return yum
		}
	case ".plist":
		if strings.HasSuffix(dir, "/LaunchDaemons/") || strings.HasSuffix(dir, "/LaunchAgents/") {
			return launchd
		}
	}
	return nil
}

// byFolder knows the files whose folder or whole name tells what they are.
func byFolder(dir, base string) form {
	last := path.Base(dir)
	switch last {
	case "etc":
		return inEtc[base]
	case "init.d", "rc.d":
		return initScript
	case "cron.d", "crontabs":
		return crontab
	case "cron.hourly", "cron.daily", "cron.weekly", "cron.monthly":
		return cronScript
	case "cron":
		if strings.HasSuffix(dir, "/spool/cron/") {
			return crontab
		}
	case "modules-load.d":
		return moduleList
	case "modprobe.d":
		return modprobe
	case "initramfs-tools":
		if base == "modules" {
			return moduleList
		}
	case "apt":
		if base == "sources.list" {
			return aptList
		}
	case "apk":
		if base == "repositories" {
			return apk
		}
	case "pacman.d":
		return pacman
	case "opkg":
		if strings.HasSuffix(base, ".conf") {
			return opkg
		}
	case "services.d":
		if strings.HasSuffix(dir, "/zypp/services.d/") {
			return yum
		}
	case "init":
		if strings.HasSuffix(dir, "/etc/init/") && strings.HasSuffix(base, ".conf") {
			return upstart
		}
	case "supervisor", "supervisord.d", "conf.d":
		if strings.HasPrefix(base, "supervisord") || strings.Contains(dir, "/supervisor") {
			return supervisor
		}
	}
	if base == "run" && isSupervised(path.Dir(strings.TrimSuffix(dir, "/"))) {
		return runScript
	}
	return nil
}

var inEtc = map[string]form{
	"crontab": crontab, "anacrontab": crontab, "rc.local": initScript, "ld.so.preload": preload,
	"modules": moduleList, "pacman.conf": pacman, "opkg.conf": opkg, "supervisord.conf": supervisor,
}

// isSupervised knows the folders of runit and s6 that have one folder for each
// service, with a script "run" in it.
func isSupervised(dir string) bool {
	switch dir {
	case "/etc/service", "/etc/sv", "/etc/services.d", "/etc/s6-overlay/s6-rc.d", "/etc/runit/runsvdir/default":
		return true
	}
	return false
}
