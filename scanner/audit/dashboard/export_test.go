package dashboard

import (
	"net/url"
	"strings"

	"github.com/interdict/interdict/scanner/audit/store"
)

// ReadNotification reads a notification and keeps what may be queued.
func ReadNotification(kind string, body []byte) ([]string, error) {
	refs, err := notifications()[kind](body)
	var out []string
	for _, ref := range refs {
		if reference.MatchString(ref) {
			out = append(out, ref)
		}
	}
	return out, err
}

// APIRoutes are the patterns of the API's addresses.
func APIRoutes() (out []string) {
	d := &dashboard{metrics: &metrics{}}
	for _, r := range d.reads() {
		if strings.HasPrefix(r.pattern, "/api/") {
			out = append(out, r.pattern)
		}
	}
	return append(out, "/api/v1/audits", "/webhooks/{registry}")
}

// FilterKeys are the parameters of a filter.
func FilterKeys() []string { return filterKeys }

// Filter reads a filter from a query.
func Filter(query string) (store.Filter, error) {
	q, err := url.ParseQuery(query)
	if err != nil {
		return store.Filter{}, err
	}
	return filterOf(q)
}
