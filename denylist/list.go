// Package denylist holds lists of vendors whose products a law bans, the laws
// (regimes), and the rules that recognise the products, and judges an
// inventory by them. It reads no files of the subject: the inventory is its
// only input (see [List.Judge]).
package denylist

import "time"

// List is a denylist. Make one with Parse; its fields are read-only
// afterwards, and it may be shared by goroutines.
type List struct {
	Name    string // "interdict builtin"
	Version string // "2026.11.1"
	Regimes []Regime
	Vendors []Vendor

	index *index // of the rules, made by compile
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
	Residue    Identifies = "residue"     // a trace that the product leaves: a certificate, a log folder
	Data       Identifies = "data"        // a name in data; never more than a mention
)

// Answer is what a regime says of one sort of thing.
type Answer string

// The answers.
const (
	Covered  Answer = "covered"
	Excluded Answer = "excluded"
	Open     Answer = "open" // the text leaves it open: a person must decide
)

// Date is a day, in UTC. The zero Date is "not stated".
type Date struct{ time.Time }

// Regime is one legal instrument.
type Regime struct {
	ID        string
	Name      string
	Authority string // who issued it
	Citation  string
	Effects   []Effect
	Who       string // whom it binds
	Issued    Date
	Effective Date // in force from
	Ends      Date // no longer in force from; zero while in force
	Deadlines []Deadline
	Reporting string // the duty to report, in a sentence
	Remedy    string
	// Covers answers for each thing that a rule can identify. What is not in
	// it is Open.
	Covers     map[Identifies]Answer
	Embedded   Answer // the vendor's code inside another vendor's product
	Exceptions []string
	Status     string
	Notes      []string
	Sources    []string // URLs
	Verified   bool
	Vendors    []RegimeVendor
}

// RegimeVendor says that a regime names a vendor.
type RegimeVendor struct {
	ID    string
	From  Date   // when later than the regime's own date
	Scope string // limits to this vendor, for people
	// Covers overrides the regime's answers for this vendor.
	Covers map[Identifies]Answer
}

// Deadline is a date, or a period that begins with an event.
type Deadline struct {
	Date   Date
	Period string // "P3BD" (business days), "P10BD", "P60D", "P3M" when Date is zero
	What   string
}

// Vendor is one banned vendor and the rules that recognise its software.
type Vendor struct {
	ID        string
	Name      string
	Country   string // ISO 3166-1 alpha-2
	Security  bool   // its trade is security products
	Note      string
	Rules     []Rule
	Embedders []Embedder
}

// Embedder is another vendor's product that is said to embed this vendor's code.
type Embedder struct {
	Product  string
	Status   string
	Source   string
	Verified bool
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
