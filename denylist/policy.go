package denylist

// Policy says by which law to judge. The zero value is: every ban that the
// list does not know to have ended.
type Policy struct {
	// Regimes are the IDs of the regimes to ask. Empty means every regime in
	// force on AsOf that bans use, procurement or sale.
	Regimes []string
	// AllEffects widens the empty Regimes to every regime in force, whatever
	// its effect.
	AllEffects bool
	// AsOf is the day whose law counts. Zero counts every regime that has not
	// ended, also one that begins later: judging reads no clock.
	AsOf Date
	// Mentions keeps findings in which the vendor's name occurs and nothing
	// more. Findings that do identify a product, but that none of the regimes
	// asked bans, have the level mention too and are always kept (see
	// Finding.Identity).
	Mentions bool
}
