package document

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/interdict/interdict/sbom/cyclonedx"
)

// Wrapping is what a document lay in, as forges, registries and build tools hand
// it out.
type Wrapping string

// The wrappings.
const (
	Gzip           Wrapping = "gzip"
	Zstandard      Wrapping = "zstd"
	ForgeExport    Wrapping = "forge export"      // {"sbom": {...}}, GitHub's REST API "dependency-graph/sbom"
	Statement      Wrapping = "in-toto statement" // https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
	Envelope       Wrapping = "DSSE envelope"     // https://github.com/secure-systems-lab/dsse/blob/master/envelope.md
	SigstoreBundle Wrapping = "Sigstore bundle"   // https://github.com/sigstore/protobuf-specs, Bundle
)

// Signed reports whether the wrapping carries signatures. Nothing here verifies
// them.
func (w Wrapping) Signed() bool { return w == Envelope || w == SigstoreBundle }

// maxWrappings bounds how deep a document may lie in others.
const maxWrappings = 8

// unwrap takes a document out of one wrapping. Of what is none it returns the
// empty Wrapping.
func unwrap(text []byte) ([]byte, Wrapping, error) {
	switch {
	case bytes.HasPrefix(text, []byte("\x1f\x8b")):
		z, err := gzip.NewReader(bytes.NewReader(text))
		if err != nil {
			return nil, Gzip, err
		}
		out, err := readAll(z)
		return out, Gzip, err
	case bytes.HasPrefix(text, []byte("\x28\xb5\x2f\xfd")):
		z, err := zstd.NewReader(bytes.NewReader(text), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(cyclonedx.MaxSize))
		if err != nil {
			return nil, Zstandard, err
		}
		defer z.Close()
		out, err := readAll(z)
		return out, Zstandard, err
	case begins(text, '{') && Detect(text) == "":
		return unwrapJSON(text)
	}
	return nil, "", nil
}

func readAll(r io.Reader) ([]byte, error) {
	out, err := io.ReadAll(io.LimitReader(r, cyclonedx.MaxSize+1))
	if err == nil && len(out) > cyclonedx.MaxSize {
		err = fmt.Errorf("the document is larger than %d bytes", cyclonedx.MaxSize)
	}
	return out, err
}

// ErrNotRead is what Read's error wraps, beside ErrUnknown, when the input is a
// bill of materials of a format that is recognized and not read.
var ErrNotRead = errors.New("it is recognized and not read")

var errSPDX3 = fmt.Errorf("%w: SPDX 3 (JSON-LD): %w; ask for SPDX 2.3", ErrUnknown, ErrNotRead)

func unwrapJSON(text []byte) ([]byte, Wrapping, error) {
	var w struct {
		Context     json.RawMessage `json:"@context"`
		SBOM        json.RawMessage `json:"sbom"`
		Type        string          `json:"_type"`
		Predicate   json.RawMessage `json:"predicate"`
		PayloadType string          `json:"payloadType"`
		Payload     string          `json:"payload"`
		Bundle      json.RawMessage `json:"dsseEnvelope"`
	}
	if json.Unmarshal(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), &w) != nil {
		return nil, "", nil // whoever reads the document says what is wrong with it
	}
	switch {
	case w.Bundle != nil:
		return w.Bundle, SigstoreBundle, nil
	case w.Payload != "" && w.PayloadType != "":
		out, err := base64.StdEncoding.DecodeString(w.Payload)
		if err != nil {
			out, err = base64.URLEncoding.DecodeString(w.Payload) // DSSE allows either
		}
		return out, Envelope, err
	case w.Type != "" && w.Predicate != nil:
		return predicate(w.Predicate), Statement, nil
	case w.SBOM != nil:
		return w.SBOM, ForgeExport, nil
	case bytes.Contains(w.Context, []byte("spdx.org/rdf/3")):
		return nil, "", errSPDX3
	}
	return nil, "", nil
}

// predicate is the document that a statement is about. Older versions of cosign
// put it below "Data", as an object or as text.
func predicate(p json.RawMessage) []byte {
	var old struct{ Data json.RawMessage }
	if Detect(p) != "" || json.Unmarshal(p, &old) != nil || old.Data == nil {
		return p
	}
	var text string
	if json.Unmarshal(old.Data, &text) == nil {
		return []byte(text)
	}
	return old.Data
}

// Read reads one document of any format, in any wrapping, within the bounds of
// that format's decoder. Signatures of the wrappings are not verified.
func Read(r io.Reader) (*Document, error) {
	text, err := readAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading a bill of materials: %w", err)
	}
	var doc Document
	for {
		inner, w, err := unwrap(text)
		if err != nil {
			if errors.Is(err, ErrUnknown) {
				return nil, err
			}
			return nil, fmt.Errorf("reading a bill of materials: %s: %w", w, err)
		}
		if w == "" {
			break
		}
		doc.Wrappings = append(doc.Wrappings, w)
		if len(doc.Wrappings) > maxWrappings {
			return nil, fmt.Errorf("reading a bill of materials: it is wrapped more than %d times", maxWrappings)
		}
		text = inner
	}
	if err := doc.decode(text); err != nil {
		return nil, err
	}
	return &doc, nil
}
