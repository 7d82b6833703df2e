package browserext

import (
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"
)

// external reads the file ID.json by which a program asks Chromium to install
// an extension. Source: developer.chrome.com, "Alternative installation methods".
func external(n *notes, b []byte) {
	var m map[string]json.RawMessage
	if json.Unmarshal(trimBOM(b), &m) != nil {
		return
	}
	for _, k := range []string{"external_update_url", "external_crx"} {
		if _, ok := m[k]; ok {
			n.add(strings.TrimSuffix(path.Base(n.path), ".json"), "name of the file: "+k)
		}
	}
}

// externalList reads the one file that lists several such extensions.
func externalList(n *notes, b []byte) {
	var m map[string]json.RawMessage
	if json.Unmarshal(trimBOM(b), &m) != nil {
		return
	}
	n.keys(m, chromiumID.MatchString, "key")
}

func (n *notes) keys(m map[string]json.RawMessage, is func(string) bool, where string) {
	for _, id := range slices.Sorted(maps.Keys(m)) {
		if is(id) {
			n.add(id, where)
		}
	}
}

// policies reads which extensions an administrator has browsers install:
// Chromium's policies are the document, Firefox's are below "policies".
// Source: chromeenterprise.google/policies; mozilla.github.io/policy-templates.
func policies(n *notes, b []byte) {
	var m struct {
		policy
		Policies struct {
			policy
			Extensions struct{ Install, Locked []string }
		} `json:"policies"`
	}
	if json.Unmarshal(trimBOM(b), &m) != nil {
		return
	}
	for _, p := range []policy{m.policy, m.Policies.policy} {
		for _, entry := range p.ExtensionInstallForcelist {
			if id, _, _ := strings.Cut(entry, ";"); chromiumID.MatchString(id) {
				n.add(id, "ExtensionInstallForcelist")
			}
		}
		for _, id := range slices.Sorted(maps.Keys(p.ExtensionSettings)) {
			var s struct {
				Mode string `json:"installation_mode"`
			}
			if json.Unmarshal(p.ExtensionSettings[id], &s) == nil && strings.HasSuffix(s.Mode, "_installed") && (chromiumID.MatchString(id) || geckoID.MatchString(id)) {
				n.add(id, "ExtensionSettings: "+s.Mode)
			}
		}
	}
	for _, place := range m.Policies.Extensions.Install {
		if id := strings.TrimSuffix(path.Base(place), ".xpi"); geckoID.MatchString(id) {
			n.add(id, "Extensions.Install")
		}
	}
	for _, id := range m.Policies.Extensions.Locked {
		if geckoID.MatchString(id) {
			n.add(id, "Extensions.Locked")
		}
	}
}

// policy has the policies that install extensions; they have the same names in
// all browsers.
type policy struct {
	ExtensionInstallForcelist []string
	ExtensionSettings         map[string]json.RawMessage
}

// profile reads extensions.json of a Firefox profile. What Firefox has itself
// is not noted.
func profile(n *notes, b []byte) {
	var m struct {
		Addons []struct{ ID, Location string }
	}
	if json.Unmarshal(trimBOM(b), &m) != nil {
		return
	}
	for _, a := range m.Addons {
		if !strings.HasPrefix(a.Location, "app-builtin") && !strings.HasPrefix(a.Location, "app-system") && geckoID.MatchString(a.ID) {
			n.add(a.ID, "location "+a.Location)
		}
	}
}

// Where Chromium has an extension from (extensions/common/mojom/manifest.mojom).
const (
	component         = 5
	externalComponent = 10
)

// preferences reads the extensions of a profile of Chromium, without those
// that are a part of it.
func preferences(n *notes, b []byte) {
	var m struct {
		Extensions struct{ Settings map[string]json.RawMessage }
	}
	if json.Unmarshal(trimBOM(b), &m) != nil {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(m.Extensions.Settings)) {
		var s struct{ Location int }
		if json.Unmarshal(m.Extensions.Settings[id], &s) == nil && s.Location != component && s.Location != externalComponent && chromiumID.MatchString(id) {
			n.add(id, "extensions.settings")
		}
	}
}
