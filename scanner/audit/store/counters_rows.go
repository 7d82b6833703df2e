package store

// counting gathers the rows of one image.
type counting struct {
	what  Group
	f     *Filter
	each  func(group, count, int64)
	id    int64
	k     group
	name  string // of the repository
	team  string
	first int64
	found []found
	since []int64 // of found
}

func (c *counting) row(scan func(...any) error) error {
	var id, first, seen int64
	var k group
	var name, team string
	var f found
	if err := scan(&id, &name, &team, &k.state, &k.outcome, &first, &f.rank, &f.id, &f.vendor, &f.rulings, &seen); err != nil {
		return err
	}
	if id != c.id {
		c.flush()
		c.id, c.k, c.name, c.team, c.first = id, k, name, team, first
	}
	if f.rank >= 0 {
		c.found, c.since = append(c.found, f), append(c.since, seen)
	}
	return nil
}

// flush counts the image.
func (c *counting) flush() {
	if c.id == 0 {
		return
	}
	all := topics(c.found)
	switch c.what {
	case ByVendor, ByRegime:
		for t, n := range all {
			named, name := t.vendor != "" && (c.f.Vendor == "" || c.f.Vendor == t.vendor) && t.regime == c.f.Regime, t.vendor
			if c.what == ByRegime {
				named, name = t.regime != "" && (c.f.Regime == "" || c.f.Regime == t.regime) && t.vendor == c.f.Vendor, t.regime
			}
			if named {
				c.each(group{name: name}, n, c.firstOf(t))
			}
		}
	case ByRepository, ByTeam, "":
		n, ok := all[topic{c.f.Vendor, c.f.Regime}]
		k := map[Group]group{ByRepository: {name: c.name}, ByTeam: {name: c.team}, "": c.k}[c.what]
		if ok {
			c.each(k, n, c.first)
		}
	}
	c.id, c.found, c.since = 0, c.found[:0], c.since[:0]
}

// firstOf is when the first finding of a topic was seen.
func (c *counting) firstOf(t topic) int64 {
	var first int64
	for i := range c.found {
		f := &c.found[i]
		is := t.vendor == "" || f.vendor == t.vendor
		if t.regime != "" {
			ruled := false
			f.regimes(func(regime string, _ rank) { ruled = ruled || regime == t.regime })
			is = is && ruled
		}
		if is && (first == 0 || c.since[i] < first) {
			first = c.since[i]
		}
	}
	return first
}
