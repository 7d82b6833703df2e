// Package url stands in for go-getter's, which differs on Windows paths only.
package url

import "net/url"

// Parse is net/url's.
func Parse(raw string) (*url.URL, error) { return url.Parse(raw) }
