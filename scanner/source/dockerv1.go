package source

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/interdict/interdict/sbom"
)

// Docker's first archive format: "repositories" names the top layer of each tag,
// and each layer is a folder with layer.tar and a json that names its parent
// (moby, image/spec/v1.md, "Combined Image JSON + Filesystem Changeset Format").

// topLayer is a tag of a repositories file.
type topLayer struct{ ref, id string }

func topLayers(ctx context.Context, a *archive) ([]topLayer, error) {
	raw, err := readMember(ctx, a, "repositories", maxManifest)
	if err != nil {
		return nil, err
	}
	var repos map[string]map[string]string
	if err := json.Unmarshal(raw, &repos); err != nil {
		return nil, problem(malformedHint, "the repositories file is malformed: %v", err)
	}
	var tops []topLayer
	for _, repo := range sortedKeys(repos) {
		for _, tag := range sortedKeys(repos[repo]) {
			tops = append(tops, topLayer{repo + ":" + tag, repos[repo][tag]})
		}
	}
	if len(tops) == 0 {
		return nil, problem(malformedHint, "the repositories file names no image")
	}
	return tops, nil
}

func (o *opener) dockerV1Images(ctx context.Context, a *archive, org origin, sel string) ([]*image, error) {
	tops, err := topLayers(ctx, a)
	if err != nil {
		return nil, err
	}
	var called, ids []string
	byID := map[string][]string{}
	for _, t := range tops {
		called = append(called, t.ref)
		if sel != "" && !sameName(t.ref, sel) {
			continue
		}
		if byID[t.id] == nil {
			ids = append(ids, t.id)
		}
		byID[t.id] = append(byID[t.id], t.ref)
	}
	switch {
	case len(ids) == 0:
		return nil, noSuchImage(sel, called)
	case len(ids) > 1:
		return nil, severalImages(called)
	}
	for _, ref := range byID[ids[0]] {
		org.addRef(ref)
	}
	im, err := o.dockerV1Image(ctx, a, ids[0], org)
	if err != nil {
		return nil, err
	}
	return []*image{im}, nil
}

// dockerV1Image follows the parents of a layer. A chain that breaks is a gap.
func (o *opener) dockerV1Image(ctx context.Context, a *archive, top string, org origin) (*image, error) {
	im := &image{}
	var ids, lines []string
	var cfg *v1.ConfigFile
	for id := top; id != ""; {
		if slices.Contains(ids, id) || len(ids) >= maxLayers {
			im.gap(sbom.Unreadable, "the chain of layers does not end")
			break
		}
		layer, err := readV1(ctx, a, id)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			im.gap(sbom.Unreadable, "the chain of layers breaks: %v", err)
			break
		}
		if cfg == nil {
			cfg = &v1.ConfigFile{Architecture: layer.Architecture, OS: layer.OS, Created: layer.Created, Config: layer.Config}
		}
		ids, lines = append(ids, id), append(lines, strings.Join(layer.ContainerConfig.Cmd, " "))
		id = layer.Parent
	}
	if cfg == nil {
		return nil, problem(malformedHint, "the image's top layer %s is not in it", top)
	}
	slices.Reverse(ids)
	slices.Reverse(lines)
	for i, line := range lines {
		cfg.History = append(cfg.History, v1.History{CreatedBy: line})
		desc := sbom.Layer{CreatedBy: sbom.CleanValue(redactHistory(line))}
		im.layers = append(im.layers, archiveLayer(a, path.Join(ids[i], "layer.tar"), desc))
	}
	im.platform, im.subject = platformOf(cfg), subject(cfg, nil, org)
	if err := o.want.accepts(im.platform); err != nil {
		return nil, err
	}
	return im, nil
}

// layerV1 is what is used of a layer's json.
type layerV1 struct {
	Parent          string    `json:"parent"`
	Created         v1.Time   `json:"created"`
	Architecture    string    `json:"architecture"`
	OS              string    `json:"os"`
	Config          v1.Config `json:"config"`
	ContainerConfig v1.Config `json:"container_config"`
}

func readV1(ctx context.Context, a *archive, id string) (layerV1, error) {
	var l layerV1
	raw, err := readMember(ctx, a, path.Join(id, "json"), maxConfig)
	if err == nil {
		err = json.NewDecoder(bytes.NewReader(raw)).Decode(&l)
	}
	if err != nil {
		return l, fmt.Errorf("reading layer %s: %w", id, err)
	}
	return l, nil
}
