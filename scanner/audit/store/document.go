package store

import (
	"context"
	"fmt"
	"time"
)

// maxDocument bounds what one document may unpack to, in bytes: the bill of
// materials of the largest images is some 100 MB.
const maxDocument = 1 << 30

// The kinds of document of a manifest.
const (
	kindBOM    = "bom"
	kindReport = "report"
)

func (s *Store) pack(b []byte) []byte { return s.packer.EncodeAll(b, nil) }

func (s *Store) unpack(b []byte) ([]byte, error) {
	out, err := s.opener.DecodeAll(b, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return out, nil
}

// saveDocuments keeps packed documents; one that is nil is left as it is.
func (s *Store) saveDocuments(ctx context.Context, t tx, manifest int64, bom, report []byte) error {
	var rows [][]any
	if bom != nil {
		rows = append(rows, []any{manifest, kindBOM, bom})
	}
	if report != nil {
		rows = append(rows, []any{manifest, kindReport, report})
	}
	return t.insert(ctx, "audit_document (manifest_id, kind, data)", 3, rows, "ON CONFLICT (manifest_id, kind) DO UPDATE SET data = excluded.data")
}

// BOM returns the bill of materials of a manifest, CycloneDX JSON, or [ErrNotFound].
func (s *Store) BOM(ctx context.Context, digest string) ([]byte, error) {
	return s.document(ctx, "reading the bill of materials of "+digest, digest, kindBOM)
}

// Report returns the json report of a manifest, or [ErrNotFound].
func (s *Store) Report(ctx context.Context, digest string) ([]byte, error) {
	return s.document(ctx, "reading the report of "+digest, digest, kindReport)
}

func (s *Store) document(ctx context.Context, what, digest, kind string) (out []byte, err error) {
	err = s.read(ctx, what, func(t tx) error {
		var data []byte
		err := t.row(ctx, "SELECT d.data FROM audit_document d JOIN audit_manifest m ON m.id = d.manifest_id WHERE m.digest = ? AND d.kind = ?",
			[]any{digest, kind}, &data)
		if err != nil {
			return err
		}
		out, err = s.unpack(data)
		return err
	})
	return out, err
}

// StoredBOM is a bill of materials and what its report needs besides.
type StoredBOM struct {
	Digest    string // of the manifest
	ImageID   string
	Key       string // Result.Key
	Platform  string
	Created   time.Time
	Labels    map[string]string
	ScannedAt time.Time
	Report    []byte // the report that there is; nil for none
	BOM       []byte
}

// BOMs returns the stored bills of materials of n manifests whose digests
// follow after, in the order of digests: all of them, also of images that are
// gone, when called until it returns none.
func (s *Store) BOMs(ctx context.Context, after string, n int) ([]StoredBOM, error) {
	return s.boms(ctx, after, n, "")
}

// Outdated is BOMs of those manifests that are there and were not judged by
// the run's ruleset: by its list, regimes and policy, with its waivers and on its
// day.
func (s *Store) Outdated(ctx context.Context, run int64, after string, n int) ([]StoredBOM, error) {
	return s.boms(ctx, after, n, `
		AND m.judged_law <> (SELECT law_id FROM audit_run WHERE id = ?)
		AND EXISTS (SELECT 1 FROM audit_image i WHERE i.manifest_id = m.id AND i.gone = 0)`, run)
}

// Current is BOMs of those manifests that are there.
func (s *Store) Current(ctx context.Context, after string, n int) ([]StoredBOM, error) {
	return s.boms(ctx, after, n, " AND EXISTS (SELECT 1 FROM audit_image i WHERE i.manifest_id = m.id AND i.gone = 0)")
}

func (s *Store) boms(ctx context.Context, after string, n int, where string, args ...any) (out []StoredBOM, err error) {
	err = s.read(ctx, "reading bills of materials", func(t tx) error {
		out = nil
		args := append(append([]any{after}, args...), n)
		return t.rows(ctx, `SELECT m.digest, m.image_id, m.result_key, m.created, m.labels, m.scanned_at, m.platform, b.data, r.data
			FROM audit_manifest m
			JOIN audit_document b ON b.manifest_id = m.id AND b.kind = 'bom'
			LEFT JOIN audit_document r ON r.manifest_id = m.id AND r.kind = 'report'
			WHERE m.digest > ?`+where+` ORDER BY m.digest LIMIT ?`, args, func(scan func(...any) error) error {
			b, err := s.scanBOM(scan)
			out = append(out, b)
			return err
		})
	})
	return out, err
}

func (s *Store) scanBOM(scan func(...any) error) (b StoredBOM, err error) {
	var created, scanned int64
	var labels string
	var bom, report []byte
	if err := scan(&b.Digest, &b.ImageID, &b.Key, &created, &labels, &scanned, &b.Platform, &bom, &report); err != nil {
		return b, err
	}
	b.Created, b.ScannedAt = fromMicros(created), fromMicros(scanned)
	if err := decode(labels, &b.Labels); err != nil {
		return b, err
	}
	if report != nil {
		if b.Report, err = s.unpack(report); err != nil {
			return b, err
		}
	}
	b.BOM, err = s.unpack(bom)
	return b, err
}
