package dashboard

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/scanner/audit/store"
)

// errFilter tells that the query of an address is not a filter.
var errFilter = errors.New("not a filter")

const (
	maxText  = 512 // bytes of one value of a filter
	maxLimit = 1000
)

// filterKeys are the parameters of a filter, as pages and API name them.
var filterKeys = []string{
	"repository", "digest", "finding", "team", "vendor", "regime", "verdict", "level", "state", "platform", "q", "since", "newIn", "gone", "limit", "after",
}

// filterOf reads a filter from a query. Parameters that it does not know are
// an error, so that a misspelt one does not select all.
func filterOf(q url.Values, also ...string) (store.Filter, error) {
	for key, values := range q {
		switch {
		case !slices.Contains(filterKeys, key) && !slices.Contains(also, key):
			return store.Filter{}, fmt.Errorf("%w: there is no parameter %q", errFilter, cut(key, 40))
		case len(values) != 1:
			return store.Filter{}, fmt.Errorf("%w: %s is given more than once", errFilter, key)
		case len(values[0]) > maxText:
			return store.Filter{}, fmt.Errorf("%w: %s is longer than %d bytes", errFilter, key, maxText)
		}
	}
	f := store.Filter{
		Repository: q.Get("repository"), Digest: q.Get("digest"), Finding: q.Get("finding"), Team: q.Get("team"),
		Vendor: q.Get("vendor"), Regime: q.Get("regime"), Platform: q.Get("platform"), Text: q.Get("q"), After: q.Get("after"),
	}
	var errs [6]error
	f.Verdict, errs[0] = oneOf(q, "verdict", denylist.Pass, denylist.NeedsReview, denylist.Incomplete, denylist.Deny)
	f.Level, errs[1] = oneOf(q, "level", denylist.Denied, denylist.Review, denylist.Mention)
	f.State, errs[2] = oneOf(q, "state", store.Waiting, store.Scanned, store.Failed)
	if s := q.Get("since"); s != "" {
		if f.Since, errs[3] = time.Parse(time.DateOnly, s); errs[3] != nil {
			errs[3] = fmt.Errorf("%w: since is not a day of the form 2006-01-02", errFilter)
		}
	}
	var newIn, limit int64
	newIn, errs[4] = whole(q, "newIn", 1<<62)
	limit, errs[5] = whole(q, "limit", maxLimit)
	f.NewIn, f.Limit = newIn, int(limit)
	switch q.Get("gone") {
	case "", "false", "0":
	case "true", "1":
		f.Gone = true
	default:
		return f, fmt.Errorf("%w: gone is true or false", errFilter)
	}
	return f, errors.Join(errs[:]...)
}

func oneOf[S ~string](q url.Values, key string, of ...S) (S, error) {
	v := S(q.Get(key))
	if v != "" && !slices.Contains(of, v) {
		return "", fmt.Errorf("%w: %s is one of %v", errFilter, key, of)
	}
	return v, nil
}

func whole(q url.Values, key string, most int64) (int64, error) {
	if q.Get(key) == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(q.Get(key), 10, 64)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("%w: %s is a whole number from 1 to %d", errFilter, key, most)
	}
	return n, nil
}

// queryOf is the query of a filter, the reverse of filterOf.
func queryOf(f store.Filter) url.Values {
	q := url.Values{}
	set := func(key, value string) {
		if value != "" {
			q.Set(key, value)
		}
	}
	set("repository", f.Repository)
	set("digest", f.Digest)
	set("finding", f.Finding)
	set("team", f.Team)
	set("vendor", f.Vendor)
	set("regime", f.Regime)
	set("verdict", string(f.Verdict))
	set("level", string(f.Level))
	set("state", string(f.State))
	set("platform", f.Platform)
	set("q", f.Text)
	if !f.Since.IsZero() {
		set("since", f.Since.Format(time.DateOnly))
	}
	if f.NewIn != 0 {
		set("newIn", strconv.FormatInt(f.NewIn, 10))
	}
	if f.Gone {
		set("gone", "true")
	}
	if f.Limit != 0 {
		set("limit", strconv.Itoa(f.Limit))
	}
	set("after", f.After)
	return q
}
