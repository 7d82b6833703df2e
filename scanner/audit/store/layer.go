package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// saveLayers keeps the layers of a manifest and which of them a run has read.
// There says whether an image of the manifest is there.
func (s *Store) saveLayers(ctx context.Context, t tx, manifest, run int64, layers []Layer, there bool) error {
	layers = slices.DeleteFunc(slices.Clone(layers), func(l Layer) bool { return l.DiffID == "" })
	ids, err := layerIDs(ctx, t, layers, there)
	if err != nil {
		return err
	}
	var has, want []int64
	err = t.rows(ctx, "SELECT layer_id FROM audit_manifest_layer WHERE manifest_id = ? ORDER BY place", []any{manifest},
		func(scan func(...any) error) error {
			var id int64
			err := scan(&id)
			has = append(has, id)
			return err
		})
	if err != nil {
		return err
	}
	var rows [][]any
	for i, l := range layers {
		want = append(want, ids[l.DiffID])
		rows = append(rows, []any{manifest, i, ids[l.DiffID]})
	}
	if !slices.Equal(has, want) {
		if len(has) > 0 {
			if err := t.exec(ctx, "DELETE FROM audit_manifest_layer WHERE manifest_id = ?", manifest); err != nil {
				return err
			}
		}
		slices.SortFunc(rows, func(a, b []any) int { return cmp.Compare(a[2].(int64), b[2].(int64)) }) // they lock
		if err := t.insert(ctx, "audit_manifest_layer (manifest_id, place, layer_id)", 3, rows, ""); err != nil {
			return err
		}
		if there {
			if err := layersBack(ctx, t, []int64{manifest}); err != nil {
				return err
			}
		}
	}
	return saveRead(ctx, t, run, manifest, layers, ids)
}

// layerIDs returns the ids of layers by diffID, and makes those that are new.
func layerIDs(ctx context.Context, t tx, layers []Layer, there bool) (map[string]int64, error) {
	ids := map[string]int64{}
	sizes := map[string]int64{}
	for _, l := range layers {
		sizes[l.DiffID] = l.Size
	}
	read := func(diffIDs []string) error {
		for part := range slices.Chunk(diffIDs, maxRows) {
			in, args := placeholders(part)
			err := t.rows(ctx, "SELECT id, diff_id FROM audit_layer WHERE diff_id IN "+in, args, func(scan func(...any) error) error {
				var id int64
				var diffID string
				err := scan(&id, &diffID)
				ids[diffID] = id
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
	var diffIDs []string
	for _, l := range layers {
		diffIDs = append(diffIDs, l.DiffID)
	}
	diffIDs = sortedSet(diffIDs)
	if err := read(diffIDs); err != nil {
		return nil, err
	}
	gone := 1
	if there {
		gone = 0
	}
	var rows [][]any
	missing := slices.DeleteFunc(diffIDs, func(d string) bool { return ids[d] != 0 })
	for _, d := range missing {
		rows = append(rows, []any{d, sizes[d], gone})
	}
	if len(rows) == 0 {
		return ids, nil
	}
	if err := t.insert(ctx, "audit_layer (diff_id, size, gone)", 3, rows, "ON CONFLICT DO NOTHING"); err != nil {
		return nil, err
	}
	return ids, read(missing)
}

// saveRead counts the layers that a run's looks have met, and what they read.
// A layer that was read counts as read, whatever another look of the run says,
// and with the bytes of the first that read it.
func saveRead(ctx context.Context, t tx, run, manifest int64, layers []Layer, ids map[string]int64) error {
	if run == 0 || len(layers) == 0 {
		return nil
	}
	read := map[int64]int64{} // bytes; -1 for met only
	for _, l := range layers {
		id := ids[l.DiffID]
		if _, ok := read[id]; !ok {
			read[id] = -1
		}
		if l.Read {
			read[id] = l.Size
		}
	}
	var more [3]int64 // layers, read, bytes
	met := map[int64]bool{}
	for part := range slices.Chunk(sortedKeys(read), maxRows) {
		var args []any
		for _, id := range part {
			args = append(args, run, id, max(read[id], 0), min(read[id]+1, 1))
		}
		err := t.rows(ctx, "INSERT INTO audit_run_layer (run_id, layer_id, bytes, was_read) VALUES "+
			strings.TrimSuffix(strings.Repeat(marks(4)+",", len(part)), ",")+" ON CONFLICT DO NOTHING RETURNING layer_id", args,
			func(scan func(...any) error) error {
				var id int64
				err := scan(&id)
				met[id] = true
				return err
			})
		if err != nil {
			return err
		}
	}
	for _, id := range sortedKeys(read) {
		n := read[id]
		if met[id] {
			more[0]++
		} else if n >= 0 {
			changed, err := t.change(ctx, "UPDATE audit_run_layer SET bytes = ?, was_read = 1 WHERE run_id = ? AND layer_id = ? AND was_read = 0", n, run, id)
			if err != nil {
				return err
			}
			if changed == 0 {
				n = -1
			}
		}
		if n >= 0 {
			more[1]++
			more[2] += n
		}
	}
	if more == [3]int64{} {
		return nil
	}
	return t.insert(ctx, "audit_run_read (run_id, part, layers, was_read, bytes)", 5, [][]any{{run, manifest % runParts, more[0], more[1], more[2]}},
		"ON CONFLICT (run_id, part) DO UPDATE SET "+added("audit_run_read", "layers", "was_read", "bytes"))
}

// runParts is in how many rows a run counts the layers that it has met.
const runParts = 16

// layersBack notes that images of these manifests are there, and so their
// layers. In PostgreSQL it waits for a transaction that looks whether a layer is
// gone, or is waited for.
func layersBack(ctx context.Context, t tx, manifests []int64) error {
	slices.Sort(manifests)
	for part := range slices.Chunk(manifests, maxRows) {
		in, args := placeholders(part)
		of := "id IN (SELECT layer_id FROM audit_manifest_layer WHERE manifest_id IN " + in + ")"
		if t.dialect == PostgreSQL {
			if _, err := readIDs(ctx, t, "SELECT id FROM audit_layer WHERE "+of+" ORDER BY id FOR KEY SHARE", args); err != nil {
				return err
			}
		}
		if err := t.exec(ctx, "UPDATE audit_layer SET gone = 0 WHERE gone <> 0 AND "+of, args...); err != nil {
			return err
		}
	}
	return nil
}

// layersGone notes which layers of these manifests no image has that is there.
func layersGone(ctx context.Context, t tx, manifests []int64) error {
	lock := ""
	if t.dialect == PostgreSQL {
		lock = " FOR UPDATE" // see layersBack
	}
	in, args := placeholders(manifests)
	ids, err := readIDs(ctx, t, `SELECT id FROM audit_layer WHERE gone = 0 AND id IN
		(SELECT layer_id FROM audit_manifest_layer WHERE manifest_id IN `+in+") ORDER BY id"+lock, args)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(ids, maxRows) {
		in, args := placeholders(part)
		err := t.exec(ctx, `UPDATE audit_layer SET gone = 1 WHERE id IN `+in+` AND NOT EXISTS
			(SELECT 1 FROM audit_manifest_layer ml JOIN audit_image i ON i.manifest_id = ml.manifest_id AND i.gone = 0
			WHERE ml.layer_id = audit_layer.id)`, args...)
		if err != nil {
			return err
		}
	}
	return nil
}

func readIDs(ctx context.Context, t tx, query string, args []any) (ids []int64, err error) {
	err = t.rows(ctx, query, args, func(scan func(...any) error) error {
		var id int64
		err := scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}
