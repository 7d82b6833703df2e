package serviceconfig

import (
	"bytes"
	"fmt"
	"path"
	"strings"

	"github.com/interdict/interdict/sbom"
)

// maxPaths is how many programs that a script mentions are noted.
const maxPaths = 16

// unit reads a unit of systemd (systemd.unit(5), systemd.service(5)).
func unit(n *notes, b []byte) {
	found := false
	for s := range settings(b, "#;") {
		found = true
		switch {
		case s.section == "Service" && s.key == "ExecStart":
			n.programs(sbom.Autostart, strings.TrimLeft(s.value, "@-:+!|"), "[Service] ExecStart")
		case s.section == "Install" && s.key == "Alias":
			for alias := range strings.FieldsSeq(s.value) {
				n.add(sbom.SystemdUnit, strings.TrimSuffix(alias, path.Ext(alias)), "[Install] Alias")
			}
		}
	}
	if base := path.Base(n.path); found {
		n.add(sbom.SystemdUnit, strings.TrimSuffix(base, path.Ext(base)), "name of the unit")
	}
}

// launcher reads a desktop entry (Desktop Entry Specification 1.5, "Exec") or
// a service of D-Bus, which has the same form.
func launcher(n *notes, b []byte) {
	for s := range settings(b, "#") {
		if s.key == "Exec" && (s.section == "Desktop Entry" || s.section == "D-BUS Service") {
			n.programs(sbom.Autostart, s.value, "["+s.section+"] Exec")
		}
	}
}

// supervisor reads what Supervisor starts.
func supervisor(n *notes, b []byte) {
	for s := range settings(b, "#;") {
		if s.key == "command" && (strings.HasPrefix(s.section, "program:") || strings.HasPrefix(s.section, "fcgi-program:") || strings.HasPrefix(s.section, "eventlistener:")) {
			n.programs(sbom.Autostart, s.value, "["+s.section+"] command")
		}
	}
}

func isScript(b []byte) bool { return bytes.HasPrefix(b, []byte("#!")) }

// initScript reads a script of System V's init or of OpenRC, or rc.local.
func initScript(n *notes, b []byte) {
	if !isScript(b) {
		return
	}
	if base := path.Base(n.path); base != "rc.local" {
		n.add(sbom.InitScript, strings.TrimSuffix(base, ".sh"), "name of the script")
	}
	n.mentions(sbom.Autostart, b)
}

// mentions notes the programs outside the system's own folders that a script
// names.
func (n *notes) mentions(k sbom.Kind, b []byte) {
	count := len(n.evidence)
	for number, line := range lines(b, "#") {
		for p := range foreignPaths(line) {
			if len(n.evidence) >= count+maxPaths {
				return // enough to tell whose it is
			}
			n.add(k, p, fmt.Sprintf("line %d", number))
		}
	}
}

// runScript reads the script by which runit or s6 starts the service that its
// folder is named after.
func runScript(n *notes, b []byte) {
	if !isScript(b) {
		return
	}
	n.add(sbom.InitScript, path.Base(path.Dir(n.path)), "name of the service")
	for number, line := range lines(b, "#") {
		if command, ok := strings.CutPrefix(line, "exec "); ok {
			n.programs(sbom.Autostart, command, fmt.Sprintf("line %d", number))
		}
	}
	n.mentions(sbom.Autostart, b)
}

// upstart reads a job of Upstart (init(5)).
func upstart(n *notes, b []byte) {
	n.add(sbom.InitScript, strings.TrimSuffix(path.Base(n.path), ".conf"), "name of the job")
	for number, line := range lines(b, "#") {
		if command, ok := strings.CutPrefix(line, "exec "); ok {
			n.programs(sbom.Autostart, command, fmt.Sprintf("line %d", number))
		}
	}
}

// crontab reads a table of cron (crontab(5)) or anacron (anacrontab(5)). Those
// of the system name a user before the command.
func crontab(n *notes, b []byte) {
	before := 5
	switch {
	case path.Base(n.path) == "anacrontab":
		before = 3 // period, delay, name
	case !strings.Contains(n.path, "/crontabs/") && !strings.Contains(n.path, "/spool/cron/"):
		before = 6
	}
	for number, line := range lines(b, "#") {
		if line[0] != '@' && line[0] != '*' && (line[0] < '0' || line[0] > '9') {
			continue // a variable
		}
		skip := before
		if line[0] == '@' && before > 3 {
			skip = before - 4 // one word in the place of five
		}
		command := afterWords(line, skip)
		if i := strings.IndexByte(command, '%'); i > 0 && command[i-1] != '\\' {
			command = command[:i] // the rest is its input
		}
		n.programs(sbom.CronCommand, command, fmt.Sprintf("line %d", number))
	}
}

// afterWords cuts the first words from a line.
func afterWords(line string, words int) string {
	for range words {
		i := strings.IndexAny(line, " \t")
		if i < 0 {
			return ""
		}
		line = strings.TrimLeft(line[i:], " \t")
	}
	return line
}

// cronScript reads a script that cron runs.
func cronScript(n *notes, b []byte) {
	if !isScript(b) {
		return
	}
	n.add(sbom.CronCommand, n.path, "the script itself")
	n.mentions(sbom.CronCommand, b)
}

// preload reads /etc/ld.so.preload: libraries that every program loads
// (ld.so(8)).
func preload(n *notes, b []byte) {
	for number, line := range lines(b, "#") {
		for lib := range strings.FieldsFuncSeq(line, func(r rune) bool { return r == ' ' || r == '\t' || r == ':' }) {
			n.add(sbom.Autostart, lib, fmt.Sprintf("line %d: loaded into every program", number))
		}
	}
}

// moduleList reads the kernel modules to load at boot (modules-load.d(5)).
func moduleList(n *notes, b []byte) {
	for number, line := range lines(b, "#;") {
		module, _, _ := strings.Cut(line, " ")
		n.add(sbom.ModuleConfig, module, fmt.Sprintf("line %d: loaded at boot", number))
	}
}

// modprobe reads how kernel modules are loaded (modprobe.d(5)). One that is
// only forbidden or given another name is not noted.
func modprobe(n *notes, b []byte) {
	for number, line := range lines(b, "#") {
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		switch words[0] {
		case "options", "install", "softdep":
			if words[0] == "install" && len(words) > 2 && (words[2] == "/bin/true" || words[2] == "/bin/false") {
				continue // a way to forbid it
			}
			n.add(sbom.ModuleConfig, words[1], fmt.Sprintf("line %d: %s", number, words[0]))
		}
	}
}
