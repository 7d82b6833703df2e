package store

import (
	"cmp"
	"context"
	"slices"
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
	return saveRead(ctx, t, run, layers, ids)
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
// A layer that was read counts as read, whatever another look of the run says.
func saveRead(ctx context.Context, t tx, run int64, layers []Layer, ids map[string]int64) error {
	if run == 0 {
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
	var met, got [][]any
	for _, id := range sortedKeys(read) {
		if n := read[id]; n < 0 {
			met = append(met, []any{run, id, 0, 0})
		} else {
			got = append(got, []any{run, id, n, 1})
		}
	}
	const into = "audit_run_layer (run_id, layer_id, bytes, was_read)"
	if err := t.insert(ctx, into, 4, met, "ON CONFLICT DO NOTHING"); err != nil {
		return err
	}
	return t.insert(ctx, into, 4, got, "ON CONFLICT (run_id, layer_id) DO UPDATE SET bytes = excluded.bytes, was_read = 1")
}

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
