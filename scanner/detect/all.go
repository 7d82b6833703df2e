package detect

import "github.com/interdict/interdict/sbom"

// All is the list of all detectors and expanders. The Watch says which paths,
// symbols and strings are worth noting; nil is none.
func All(w *sbom.Watch) *Set {
	return New(w)
}
