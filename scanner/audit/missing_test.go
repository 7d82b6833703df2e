package audit_test

import (
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/interdict/interdict/scanner/audit"
	"github.com/interdict/interdict/scanner/audit/listing"
	"github.com/interdict/interdict/scanner/audit/store"
)

// remove takes a tag from the registry.
func (f *fleet) remove(t *testing.T, ref string) {
	t.Helper()
	tag, err := name.NewTag(f.host + "/" + ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Delete(tag); err != nil {
		t.Fatal(err)
	}
}

// TestGone: what was asked for and is not there any more is gone, whatever else
// could not be read and whatever a filter chose. What was not asked for stays.
func TestGone(t *testing.T) {
	const banned = "-- 0/opt/acme/bin/agent --\n#!/bin/sh\n"
	for _, c := range []struct {
		name   string
		filter listing.Filter
		scope  string // below the host
		broken bool
		remove []string
		gone   []string // of the tags
	}{
		{name: "a tag elsewhere cannot be read", broken: true, remove: []string{"team/app:old"}, gone: []string{"old"}},
		{name: "a repository, and a tag elsewhere cannot be read", broken: true, remove: []string{"team/alone:last"}, gone: []string{"last"}},
		{name: "tags are excluded", filter: listing.Filter{Exclude: []string{"*:*-test"}}, remove: []string{"team/app:old"}, gone: []string{"old"}},
		{name: "an excluded tag", filter: listing.Filter{Exclude: []string{"*:*-test"}}, remove: []string{"team/app:x-test"}, gone: []string{"x-test"}},
		{name: "the newest are chosen", filter: listing.Filter{Newest: 1}, remove: []string{"team/app:old"}, gone: []string{"old"}},
		{name: "another platform is chosen", filter: listing.Filter{Platforms: []string{"linux/arm64"}}, remove: []string{"team/app:old"}, gone: []string{"old"}},
		{name: "one tag is asked for", scope: "/team/app:old", remove: []string{"team/app:old", "team/app:x-test"}, gone: []string{"old"}},
		{name: "nothing is removed", broken: true, filter: listing.Filter{Exclude: []string{"*:old"}, Newest: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFleet(t)
			for _, ref := range []string{"team/app:old", "team/app:new", "team/app:x-test", "team/alone:last", "team/bad:broken"} {
				f.push(t, ref, banned+"-- 1/srv/"+ref+" --\nx\n")
			}
			a := open(t, sqlite(t), t.TempDir())
			audited(t, a, f, law(t, acme, "2024-12-01"))
			for _, ref := range c.remove {
				f.remove(t, ref)
			}
			f.breakManifests.Store(c.broken)
			scope, err := listing.Parse(f.host+c.scope, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := a.Plan(t.Context(), audit.PlanOptions{Scope: []listing.Scope{scope}, Filter: c.filter, Ruleset: law(t, acme, "2024-12-01")}); err != nil {
				t.Fatal(err)
			}
			there := images(t, a)
			if len(there) != 5-len(c.gone) {
				t.Errorf("%d images are there, want %d", len(there), 5-len(c.gone))
			}
			for _, tag := range c.gone {
				if _, ok := there[tag]; ok {
					t.Errorf("%s is there", tag)
				}
			}
			if totals, err := a.Store().Totals(t.Context(), store.Filter{}); err != nil || totals.Deny != int64(5-len(c.gone)) {
				t.Errorf("totals %+v, %v", totals, err)
			}
		})
	}
}
