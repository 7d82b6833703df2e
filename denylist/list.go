// Package denylist holds lists of vendors whose products a law bans, the laws
// (regimes), and the rules that recognise the products, and judges an
// inventory by them. It reads no files of the subject: the inventory is its
// only input (see [List.Judge]).
package denylist

// List is a denylist. Make one with Parse; its fields are read-only
// afterwards, and it may be shared by goroutines.
type List struct {
	Name    string // "interdict builtin"
	Version string // "2026.11.1"
	Regimes []Regime
	Vendors []Vendor

	index func() *index // of the rules; made when first needed
}

// Effect is what a regime does.
type Effect string

// The effects. Use, procurement and sale bans decide by default; the others
// only when their regime is selected.
const (
	UseBan         Effect = "use-ban"
	ProcurementBan Effect = "procurement-ban"
	SaleBan        Effect = "sale-ban"
	ExportControl  Effect = "export-control"
	AssetFreeze    Effect = "asset-freeze"
	Warning        Effect = "warning"
	Authorization  Effect = "equipment-authorization"
	FundingBan     Effect = "funding-ban"
)

// Identifies says what a rule recognises when it matches.
type Identifies string

// What a rule can identify.
const (
	Product    Identifies = "product"     // the vendor's own product
	Engine     Identifies = "engine"      // the vendor's code made to be embedded in others' products
	Driver     Identifies = "driver"      // a driver of the vendor's product
	OpenSource Identifies = "open-source" // an open-source library or package by the vendor
	// Maker says who made it and not what it is: a name of a legal entity. It
	// counts as what the other evidence of the same file says; alone it is
	// OpenSource in a package of a language's registry, else Product.
	Maker   Identifies = "maker"
	Residue Identifies = "residue" // a trace that the product leaves: a certificate, a log folder
	Data    Identifies = "data"    // a name in data; never more than a mention
)

// Answer is what a regime says of one sort of thing.
type Answer string

// The answers.
const (
	Covered  Answer = "covered"
	Excluded Answer = "excluded"
	Open     Answer = "open" // the text leaves it open: a person must decide
)

// Regime is one legal instrument.
type Regime struct {
	ID        string     `yaml:"id"`
	Name      string     `yaml:"name"`
	Authority string     `yaml:"authority"` // who issued it
	Citation  string     `yaml:"citation"`
	Effects   []Effect   `yaml:"effects,flow"`
	Who       string     `yaml:"who"` // whom it binds
	Issued    Date       `yaml:"issued,omitempty"`
	Effective Date       `yaml:"effective,omitempty"` // in force from
	Ends      Date       `yaml:"ends,omitempty"`      // no longer in force from; zero while in force
	Deadlines []Deadline `yaml:"deadlines,omitempty"`
	Reporting string     `yaml:"reporting,omitempty"` // the duty to report, in a sentence
	Remedy    string     `yaml:"remedy,omitempty"`
	// Covers answers for each thing that a rule can identify. What is not in
	// it is Open.
	Covers     map[Identifies]Answer `yaml:"covers,omitempty"`
	Embedded   Answer                `yaml:"embedded,omitempty"` // the vendor's code inside another vendor's product
	Exceptions []string              `yaml:"exceptions,omitempty"`
	Status     string                `yaml:"status,omitempty"`
	Notes      []string              `yaml:"notes,omitempty"`
	Sources    []string              `yaml:"sources,omitempty"` // URLs
	Verified   bool                  `yaml:"verified"`
	Vendors    []RegimeVendor        `yaml:"vendors,omitempty"`
}

// RegimeVendor says that a regime names a vendor.
type RegimeVendor struct {
	ID    string `yaml:"id"`
	From  Date   `yaml:"from,omitempty"`  // when later than the regime's own date
	Scope string `yaml:"scope,omitempty"` // limits to this vendor, for people
	// Verified tells that the text naming the vendor was seen.
	Verified bool `yaml:"verified"`
	// Covers overrides the regime's answers for this vendor.
	Covers map[Identifies]Answer `yaml:"covers,omitempty"`
}

// Deadline is a date, or a period that begins with an event.
type Deadline struct {
	Date   Date   `yaml:"date,omitempty"`
	Period string `yaml:"period,omitempty"` // "P3BD" (business days), "P10BD", "P60D", "P3M" when Date is zero
	What   string `yaml:"what"`
}

// Vendor is one banned vendor and the rules that recognise its software.
type Vendor struct {
	ID        string     `yaml:"id"`
	Name      string     `yaml:"name"`
	Country   string     `yaml:"country,omitempty"`  // ISO 3166-1 alpha-2
	Security  bool       `yaml:"security,omitempty"` // its trade is security products
	Note      string     `yaml:"note,omitempty"`
	Rules     []Rule     `yaml:"rules,omitempty"`
	Embedders []Embedder `yaml:"embedders,omitempty"`
}

// Embedder is another vendor's product that is said to embed this vendor's code.
type Embedder struct {
	Product  string `yaml:"product"`
	Status   string `yaml:"status,omitempty"`
	Source   string `yaml:"source,omitempty"`
	Verified bool   `yaml:"verified"`
}

// Strength is how much a match of a rule proves.
type Strength string

// The strengths, from most to least. A rule that is not verified never
// decides, whatever its strength.
const (
	Decisive      Strength = "decisive"
	Strong        Strength = "strong"
	Corroborating Strength = "corroborating"
	Weak          Strength = "weak"
)
