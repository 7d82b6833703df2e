package audit

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/interdict/interdict/scanner/audit/listing"
)

// inScope returns those of some repositories that notices may name: those within
// the scope of an audit, or that an audit has listed. A notice's host is what
// its sender wrote (a registry copies the Host header of whoever pushed), and
// to look at it means to send requests, and perhaps credentials, there.
func (a *Audit) inScope(ctx context.Context, repositories []string) (map[string]bool, error) {
	patterns, err := a.store.Covers(ctx)
	if err != nil {
		return nil, err
	}
	known, err := a.store.Repositories(ctx, "")
	if err != nil {
		return nil, err
	}
	hosts := map[string]bool{} // of services that name their registries themselves
	for _, r := range known {
		host, _, _ := strings.Cut(r, "/")
		hosts[host] = true
	}
	out := map[string]bool{}
	for _, r := range repositories {
		host, _, _ := strings.Cut(r, "/")
		_, listed := slices.BinarySearch(known, r)
		out[r] = !isMetadataHost(host) && (listed || slices.ContainsFunc(patterns, func(p string) bool {
			return listing.MatchPattern(p, r) && (p != listing.AnyHost || hosts[host])
		}))
	}
	return out, nil
}

// isMetadataHost reports whether a host is one where clouds give credentials to
// the machines that ask: link-local addresses (RFC 3927, RFC 4291), the address
// of Amazon's service in IPv6, and Google's name for its own.
func isMetadataHost(host string) bool {
	host = strings.ToLower(host)
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	host = strings.TrimSuffix(strings.Trim(host, "[]"), ".")
	if host == "metadata" || host == "metadata.google.internal" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	ip = ip.Unmap()
	return ip.IsLinkLocalUnicast() || ip.IsUnspecified() || ip.IsMulticast() || ip == netip.MustParseAddr("fd00:ec2::254")
}

// covers are the patterns of what a run's scope covers, as they are stored.
func covers(scopes []listing.Scope) []string {
	var out []string
	for _, s := range scopes {
		out = append(out, s.Patterns()...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
