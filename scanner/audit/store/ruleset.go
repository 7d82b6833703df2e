package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"github.com/interdict/interdict/denylist"
)

// saveRuleset keeps a ruleset once per content, and its texts once per content too: the
// same list is judged by on many days.
func (s *Store) saveRuleset(ctx context.Context, t tx, l Ruleset) (int64, error) {
	text, err := s.saveList(ctx, t, &l)
	if err != nil {
		return 0, err
	}
	waivers, err := s.saveText(ctx, t, l.Waivers)
	if err != nil {
		return 0, err
	}
	row := []any{
		l.List.Name, l.List.Version, l.List.Digest, encode(nonNil(l.Regimes)), l.AsOf.String(), encode(l.Policy), text, waivers,
	}
	digest := digestOf([]byte(encode(row)))
	err = t.insert(ctx, "audit_law (digest, list_name, list_version, list_digest, regimes, as_of, policy, text, waivers)", 9,
		[][]any{append([]any{digest}, row...)}, "ON CONFLICT DO NOTHING")
	if err != nil {
		return 0, err
	}
	var id int64
	if err := t.row(ctx, "SELECT id FROM audit_law WHERE digest = ?", []any{digest}, &id); err != nil {
		return 0, err
	}
	return id, s.saveTitles(ctx, t, &l, text)
}

// saveList returns the digest by which the text of a ruleset's list is kept.
func (s *Store) saveList(ctx context.Context, t tx, l *Ruleset) (digest string, err error) {
	if len(l.Text) == 0 && l.Parsed != nil {
		err := t.row(ctx, "SELECT text FROM audit_law WHERE list_name = ? AND list_version = ? AND list_digest = ? LIMIT 1",
			[]any{l.List.Name, l.List.Version, l.List.Digest}, &digest)
		if !errors.Is(err, sql.ErrNoRows) {
			return digest, err
		}
		var text bytes.Buffer
		if err := l.Parsed.Encode(&text); err != nil {
			return "", err
		}
		l.Text = text.Bytes()
	}
	return s.saveText(ctx, t, l.Text)
}

// saveText returns the digest by which a text is kept.
func (s *Store) saveText(ctx context.Context, t tx, text []byte) (string, error) {
	digest := digestOf(text)
	var n int
	if err := t.row(ctx, "SELECT count(*) FROM audit_text WHERE digest = ?", []any{digest}, &n); err != nil || n > 0 {
		return digest, err
	}
	return digest, t.insert(ctx, "audit_text (digest, data)", 2, [][]any{{digest, s.pack(text)}}, "ON CONFLICT DO NOTHING")
}

// saveTitles keeps what the list calls its vendors and regimes, unless the run
// before did so by the same list. A text that is no list has none.
func (s *Store) saveTitles(ctx context.Context, t tx, ruleset *Ruleset, text string) error {
	var last string
	err := t.row(ctx, "SELECT l.text FROM audit_run r JOIN audit_law l ON l.id = r.law_id ORDER BY r.id DESC LIMIT 1", nil, &last)
	if err == nil && last == text || err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	l := ruleset.Parsed
	if l == nil {
		if l, err = denylist.Parse(bytes.NewReader(ruleset.Text), "list"); err != nil {
			return nil
		}
	}
	var rows [][]any
	for _, v := range l.Vendors {
		rows = append(rows, []any{string(ByVendor), v.ID, v.Name})
	}
	for _, r := range l.Regimes {
		rows = append(rows, []any{string(ByRegime), r.ID, r.Name})
	}
	return t.insert(ctx, "audit_title (kind, name, title)", 3, rows, "ON CONFLICT (kind, name) DO UPDATE SET title = excluded.title")
}

// ruleset reads one, with its texts when they are wanted.
func (s *Store) ruleset(ctx context.Context, t tx, id int64, texts bool) (l Ruleset, err error) {
	var regimes, policy, asOf, text, waivers string
	err = t.row(ctx, "SELECT list_name, list_version, list_digest, regimes, as_of, policy, text, waivers FROM audit_law WHERE id = ?", []any{id},
		&l.List.Name, &l.List.Version, &l.List.Digest, &regimes, &asOf, &policy, &text, &waivers)
	if err != nil {
		return l, err
	}
	if l.AsOf, err = denylist.ParseDate(asOf); err != nil {
		return l, err
	}
	if err := decode(regimes, &l.Regimes); err != nil {
		return l, err
	}
	if err := decode(policy, &l.Policy); err != nil {
		return l, err
	}
	if !texts {
		return l, nil
	}
	if l.Text, err = s.text(ctx, t, text); err != nil {
		return l, err
	}
	l.Waivers, err = s.text(ctx, t, waivers)
	return l, err
}

func (s *Store) text(ctx context.Context, t tx, digest string) ([]byte, error) {
	var data []byte
	if err := t.row(ctx, "SELECT data FROM audit_text WHERE digest = ?", []any{digest}, &data); err != nil {
		return nil, err
	}
	return s.unpack(data)
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// encode is v as JSON. What the store encodes cannot fail to.
func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "null"
	}
	return string(b)
}

func decode(text string, into any) error {
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), into)
}

// nonNil makes an empty list "[]" and not "null".
func nonNil[T any](vs []T) []T {
	if vs == nil {
		return []T{}
	}
	return vs
}

// micros is a time as it is kept; the zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
