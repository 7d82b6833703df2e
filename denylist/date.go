package denylist

import (
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"
)

// Date is a day, in UTC. The zero Date is "not stated".
type Date struct{ time.Time }

// ParseDate reads a day in the form of ISO 8601: "2024-07-20". The empty
// string is the zero Date.
func ParseDate(s string) (Date, error) {
	if s == "" {
		return Date{}, nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("%q is not a day of the form 2006-01-02", s)
	}
	return Date{t}, nil
}

// DateOf is the day of t in UTC.
func DateOf(t time.Time) Date {
	if t.IsZero() {
		return Date{}
	}
	return Date{t.UTC().Truncate(24 * time.Hour)}
}

// String is the day as in ISO 8601, or empty.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.Format(time.DateOnly)
}

// MarshalText writes String.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what ParseDate reads.
func (d *Date) UnmarshalText(b []byte) (err error) {
	*d, err = ParseDate(string(b))
	return err
}

// MarshalJSON writes String as a JSON string.
func (d Date) MarshalJSON() ([]byte, error) { return []byte(`"` + d.String() + `"`), nil }

// UnmarshalJSON reads a JSON string that ParseDate reads.
func (d *Date) UnmarshalJSON(b []byte) error {
	if len(b) < 2 || b[0] != '"' || b[len(b)-1] != '"' {
		return fmt.Errorf("%s is not a day in a string", b)
	}
	return d.UnmarshalText(b[1 : len(b)-1])
}

// MarshalYAML writes String.
func (d Date) MarshalYAML() (any, error) {
	if d.IsZero() {
		return nil, nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: d.String()}, nil
}

// UnmarshalYAML reads what ParseDate reads.
func (d *Date) UnmarshalYAML(n *yaml.Node) error {
	v, err := ParseDate(n.Value)
	if err != nil || n.Kind != yaml.ScalarNode {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: %q is not a day of the form 2006-01-02", n.Line, n.Value)}}
	}
	*d = v
	return nil
}
