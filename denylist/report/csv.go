package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/sbom"
)

var csvHeader = []string{
	"target", "digest", "platform", "verdict", "finding", "level", "vendor", "vendor_name", "identifies",
	"component", "version", "purl", "host", "regime", "ruling", "citation", "reason",
	"path", "layer", "hidden", "places", "evidence", "why", "change", "waiver", "not_examined",
}

// writeCSV makes a row for each finding and regime (RFC 4180, UTF-8, with a
// header). A target without findings has one row, so that no target is lost.
func writeCSV(w io.Writer, r *Report, opt Options) error {
	cw := csv.NewWriter(w)
	if err := cw.Write(csvHeader); err != nil {
		return err
	}
	for i := range r.Targets {
		if err := csvTarget(cw, &r.Targets[i], opt); err != nil {
			return err
		}
	}
	cw.Flush()
	return cw.Error()
}

func csvTarget(cw *csv.Writer, t *Target, opt Options) error {
	weigh, _ := t.weighty()
	head := []string{t.Target, t.Digest, t.Platform, string(t.Outcome())}
	tail := strconv.Itoa(len(weigh))
	if t.Error != "" {
		tail = t.Error
	}
	groups, _ := t.groups(opt)
	if len(groups) == 0 {
		row := append(head, make([]string, len(csvHeader)-len(head)-1)...)
		return cw.Write(cells(append(row, tail)))
	}
	for _, g := range groups {
		for _, f := range g.Findings {
			rulings := f.Rulings
			if len(rulings) == 0 {
				rulings = []denylist.Ruling{{}}
			}
			for _, ruling := range rulings {
				row := append(append([]string{}, head...), csvFinding(f)...)
				row = append(row, ruling.Regime, string(ruling.Verdict), ruling.Citation, ruling.Reason)
				row = append(row, csvPlaces(f)...)
				if err := cw.Write(cells(append(row, csvEvidence(f), f.Why, f.Change, waived(ruling.Waiver), tail))); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func csvFinding(f *denylist.Finding) []string {
	host := ""
	if f.EmbeddedIn != nil {
		host = componentName(*f.EmbeddedIn)
	}
	return []string{
		f.ID, string(f.Level), f.Vendor, f.VendorName, string(f.Identifies),
		f.Component.Name, f.Component.Version, f.Component.PURL, host,
	}
}

func csvPlaces(f *denylist.Finding) []string {
	var first sbom.Occurrence
	if len(f.Occurrences) > 0 {
		first = f.Occurrences[0]
	}
	return []string{first.Path, first.Layer, strconv.FormatBool(f.Hidden()), strconv.Itoa(len(f.Occurrences))}
}

func csvEvidence(f *denylist.Finding) string {
	var parts []string
	for _, p := range f.Matches {
		parts = append(parts, fmt.Sprintf("%s=%s [%s]", p.Kind, p.Value, p.Strength))
	}
	return strings.Join(parts, "; ")
}

// cells makes foreign text safe for spreadsheets: a cell that would be read as
// a formula gets an apostrophe in front
// (https://owasp.org/www-community/attacks/CSV_Injection).
func cells(row []string) []string {
	for i, c := range row {
		c = visible(c)
		if c != "" && strings.ContainsRune("=+-@\t\r|%", rune(c[0])) {
			c = "'" + c
		}
		row[i] = c
	}
	return row
}
