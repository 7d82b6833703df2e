package registry

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/go-containerregistry/pkg/v1/types"
)

// ErrAmbiguous is a document that is a manifest for one reader and an index for
// another: what is looked at would not be what runs
// (github.com/opencontainers/distribution-spec, CVE-2021-41190).
var ErrAmbiguous = errors.New("the manifest is an index and an image at once")

// IsIndex tells an index from a manifest: by the media type, and by the bytes
// where there is none.
func IsIndex(mt types.MediaType, raw []byte) bool {
	if mt.IsIndex() || mt.IsImage() {
		return mt.IsIndex()
	}
	var probe struct {
		MediaType types.MediaType  `json:"mediaType"`
		Manifests *json.RawMessage `json:"manifests"`
	}
	json.Unmarshal(raw, &probe)
	return probe.MediaType.IsIndex() || probe.MediaType == "" && probe.Manifests != nil
}

// CheckManifest returns [ErrAmbiguous], or the error of bytes that are no JSON
// object.
func CheckManifest(raw []byte) error {
	var doc struct{ Manifests, Layers, Config *json.RawMessage }
	if err := json.Unmarshal(raw, &doc); err != nil {
		return fmt.Errorf("the manifest is malformed: %w", err)
	}
	if doc.Manifests != nil && (doc.Layers != nil || doc.Config != nil) {
		return ErrAmbiguous
	}
	return nil
}
