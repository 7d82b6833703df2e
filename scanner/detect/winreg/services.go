package winreg

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/detect/internal/regf"
)

// system reads the hive SYSTEM: the services and drivers of its control set.
func (r *reader) system(ctx context.Context, root regf.Key, first map[string]regf.Key) {
	current := ""
	if v, ok := first["select"].Value("Current"); ok {
		if n, ok := v.Number(); ok {
			current = fmt.Sprintf("controlset%03d", n)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(first)) {
		set := first[name]
		if name == current || !first[current].Exists() && strings.HasPrefix(name, "controlset") {
			r.services(set.Sub("Services"))
			r.walk(ctx, set, `HKLM\SYSTEM\CurrentControlSet`, 0)
		}
	}
	r.walk(ctx, root, `HKLM\SYSTEM`, 0)
}

// services notes the services and drivers that are not Windows' own. Those are
// known by a program in Windows' folder and by a name that a resource of
// Windows holds ("@%SystemRoot%\system32\drivers\acpi.sys,-1").
func (r *reader) services(k regf.Key) {
	for s := range k.Subkeys {
		image, display := s.Text("ImagePath"), s.Text("DisplayName")
		if image == "" && !r.watch.Matches(sbom.ServiceName, s.Name) {
			continue
		}
		bin := program(image)
		own := isWindows(bin) && (display == "" || strings.HasPrefix(display, "@"))
		if own && !r.watch.Matches(sbom.ServiceName, s.Name) && !r.watch.Matches(sbom.Filename, base(bin)) {
			continue
		}
		where := `Services\` + s.Name
		if display != "" {
			where += ": " + display
		}
		if bin != "" {
			where += ", " + bin
		}
		r.add(sbom.ServiceName, s.Name, where)
		if !own {
			r.add(sbom.Autostart, bin, `Services\`+s.Name+`: ImagePath`)
		}
	}
}

// program cuts the arguments from a command line as Windows would: a path in
// quotes, or up to the end of an extension that programs have.
func program(command string) string {
	command = strings.TrimSpace(command)
	if rest, ok := strings.CutPrefix(command, `"`); ok {
		p, _, _ := strings.Cut(rest, `"`)
		return p
	}
	low := strings.ToLower(command)
	for _, ext := range []string{".exe", ".sys", ".dll", ".com", ".bat", ".cmd"} {
		if i := strings.Index(low, ext); i >= 0 && (i+len(ext) == len(low) || low[i+len(ext)] == ' ' || low[i+len(ext)] == ',') {
			return command[:i+len(ext)]
		}
	}
	p, _, _ := strings.Cut(command, " ")
	return p
}

func base(p string) string { return path.Base(strings.ReplaceAll(p, `\`, "/")) }

// isWindows reports whether a program lies in Windows' own folder.
func isWindows(p string) bool {
	p = strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(p, `\??\`), "/", `\`))
	for _, root := range []string{`system32\`, `syswow64\`, `\systemroot\`, `%systemroot%\`, `%windir%\`, `c:\windows\`} {
		if rest, ok := strings.CutPrefix(p, root); ok {
			// Drivers of vendors lie there too, below a folder of their own or not:
			// the caller looks at the display name.
			return rest != ""
		}
	}
	return false
}
