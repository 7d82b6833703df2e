package denylist

// Rule and index are in the making.
type Rule struct{}

type index struct{}
