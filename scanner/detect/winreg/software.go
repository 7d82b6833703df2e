package winreg

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/detect/internal/regf"
	"github.com/interdict/interdict/scanner/detect/internal/x509name"
)

// system are the keys right below SOFTWARE that Windows has itself.
var system = []string{
	"classes", "clients", "defaultuserenvironment", "microsoft", "odbc", "openssh", "partner", "policies", "program groups",
	"registeredapplications", "rpc", "secure", "setup", "windows", "wow6432node",
}

// software reads the hive SOFTWARE, or the key Software of a user. at is what
// it is mounted at.
func (r *reader) software(ctx context.Context, k regf.Key, at string) {
	r.view(k, at)
	if wow := k.Sub("Wow6432Node"); wow.Exists() {
		r.view(wow, at+`\WOW6432Node`)
	}
	r.walk(ctx, k, at, 0)
}

// view reads one of the two views that programs of 64 and 32 bits have.
func (r *reader) view(k regf.Key, at string) {
	current := k.Sub("Microsoft", "Windows", "CurrentVersion")
	r.uninstall(current.Sub("Uninstall"), at+`\Microsoft\Windows\CurrentVersion\Uninstall`)
	for _, run := range []string{"Run", "RunOnce", "RunServices"} {
		for v := range current.Sub(run).Values {
			if command := v.Text(); command != "" && !isWindows(program(command)) {
				r.add(sbom.Autostart, program(command), fmt.Sprintf(`%s\Microsoft\Windows\CurrentVersion\%s: %s`, at, run, v.Name))
			}
		}
	}
	r.extensions(k, at)
	r.stores(k.Sub("Microsoft", "SystemCertificates"), at+`\Microsoft\SystemCertificates`)
	r.stores(k.Sub("Policies", "Microsoft", "SystemCertificates"), at+`\Policies\Microsoft\SystemCertificates`)
	for vendor := range k.Subkeys {
		if !slices.Contains(system, strings.ToLower(vendor.Name)) {
			r.key(at + `\` + vendor.Name)
		}
	}
}

// uninstall reads the list of installed programs.
// Source: Microsoft, "Uninstall Registry Key" of Windows Installer.
func (r *reader) uninstall(k regf.Key, at string) {
	for entry := range k.Subkeys {
		name := sbom.CleanValue(entry.Text("DisplayName"))
		publisher := sbom.CleanValue(entry.Text("Publisher"))
		if name == "" && publisher == "" {
			continue // a part of Windows, or of an update
		}
		if len(r.inside) >= maxFacts {
			r.limit(fmt.Sprintf("more than %d installed programs", maxFacts))
			return
		}
		where := at + `\` + sbom.CleanValue(entry.Name)
		c := sbom.Component{
			Type: sbom.Application, Name: cmp.Or(name, sbom.CleanValue(entry.Name)), Publisher: publisher,
			Version: sbom.CleanValue(entry.Text("DisplayVersion")),
		}
		if publisher != "" {
			c.Evidence = append(c.Evidence, sbom.Evidence{Kind: sbom.Uninstall, Value: publisher, Where: where + ": Publisher"})
		}
		c.Evidence = append(c.Evidence, sbom.Evidence{Kind: sbom.RegistryKey, Value: where, Where: "key"})
		if strings.HasPrefix(entry.Name, "{") {
			c.Evidence = append(c.Evidence, sbom.Evidence{Kind: sbom.MSICode, Value: sbom.CleanValue(entry.Name), Where: where})
		}
		if place := sbom.CleanValue(entry.Text("InstallLocation")); place != "" {
			c.Properties = []sbom.Property{{Name: "interdict:install-location", Value: place}}
		}
		if site := entry.Text("URLInfoAbout"); strings.HasPrefix(site, "http") {
			c.References = []sbom.Reference{{Type: "website", URL: sbom.CleanValue(site)}}
		}
		r.install(c)
	}
}

// install adds an installed program. One that both views list is one; one of
// another version has a name of its own, so that it stays apart.
func (r *reader) install(c sbom.Component) {
	if r.names == nil {
		r.names = map[string]int{}
	}
	i, ok := r.names[c.Name]
	if !ok {
		r.names[c.Name] = len(r.inside)
		r.inside = append(r.inside, c)
		return
	}
	if old := &r.inside[i]; old.Version == c.Version && old.Publisher == c.Publisher {
		old.Evidence = append(old.Evidence, c.Evidence...)
		return
	}
	c.Name += fmt.Sprintf(" (%d)", len(r.inside))
	r.inside = append(r.inside, c)
}

// chromium are the keys below which a browser lists extensions that others
// installed (Extensions\ID), and the policies that install them.
var chromium = [][]string{{"Google", "Chrome"}, {"Microsoft", "Edge"}, {"Chromium"}, {"BraveSoftware", "Brave"}}

// extensionID is the identifier of a Chromium extension: 32 letters from a to
// p, at the begin of a value of the policy "ID;update address".
var extensionID = regexp.MustCompile(`^([a-p]{32})(;|$)`)

// extensions reads which browser extensions the system installs.
// Source: Chrome, "Alternative installation methods"; Mozilla, "Adding
// extensions using the Windows registry".
func (r *reader) extensions(k regf.Key, at string) {
	for _, browser := range chromium {
		for e := range k.Sub(append(browser[:len(browser):len(browser)], "Extensions")...).Subkeys {
			if id := strings.ToLower(e.Name); extensionID.MatchString(id) {
				r.add(sbom.Extension, id, at+`\`+strings.Join(browser, `\`)+`\Extensions`)
			}
		}
		policy := append([]string{"Policies"}, browser...)
		for v := range k.Sub(append(policy, "ExtensionInstallForcelist")...).Values {
			if m := extensionID.FindStringSubmatch(v.Text()); m != nil {
				r.add(sbom.Extension, m[1], at+`\`+strings.Join(policy, `\`)+`\ExtensionInstallForcelist`)
			}
		}
	}
	for v := range k.Sub("Mozilla", "Firefox", "Extensions").Values {
		r.add(sbom.Extension, v.Name, at+`\Mozilla\Firefox\Extensions`)
	}
}

// trusted are the certificate stores that make a certificate trusted.
var trusted = []string{"ROOT", "AuthRoot", "CA", "TrustedPublisher", "TrustedPeople"}

// stores reads the watched certificates of the stores below k: a value "Blob"
// with the certificate behind properties of it (wincrypt.h, CERT_*_PROP_ID).
func (r *reader) stores(k regf.Key, at string) {
	for _, store := range trusted {
		for c := range k.Sub(store, "Certificates").Subkeys {
			v, ok := c.Value("Blob")
			if !ok {
				continue
			}
			for _, subject := range x509name.Find(v.Bytes(), 1) {
				if r.watch.Matches(sbom.X509Subject, subject) {
					r.add(sbom.X509Subject, subject, fmt.Sprintf(`%s\%s\Certificates\%s`, at, store, c.Name))
				}
			}
		}
	}
}
