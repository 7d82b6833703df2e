package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/attach"
	"github.com/interdict/interdict/sbom/attest"
	"github.com/interdict/interdict/sbom/cyclonedx"
)

// evidence is what is vouched for of one subject.
type evidence struct {
	verdict   *attest.Verdict // nil if nobody signed one
	verdictBy string
	bom       []byte // the document; nil if it is not at hand
	bomBy     string
	inventory *sbom.Inventory
	boms      []*attest.Verified // signed statements of contents
	docs      []attach.Document
}

// collect verifies all statements about a subject.
func (f *verifyFlags) collect(ctx context.Context, trust *attest.Verifier, s subject) (*evidence, error) {
	e := &evidence{}
	var err error
	if len(f.bundles) > 0 || s.repo == nil {
		err = f.fromFiles(trust, s, e)
	} else {
		err = e.fromRegistry(ctx, trust, s)
	}
	if err != nil {
		return nil, err
	}
	if err := f.findBOM(ctx, s, e); err != nil {
		return nil, err
	}
	if e.bom == nil {
		return e, nil
	}
	e.inventory, err = decodeBOM("the bill of materials", e.bom)
	if err == nil && e.inventory.Subject.Digest != "" && e.inventory.Subject.Digest != s.digest {
		err = hinted{fmt.Errorf("the bill of materials is of %s, not of %s", e.inventory.Subject.Digest, s.digest), "it was attached to the wrong image", exitError}
	}
	return e, err
}

func (f *verifyFlags) fromFiles(trust *attest.Verifier, s subject, e *evidence) error {
	if len(f.bundles) == 0 {
		return usage("give the statements with --bundle FILE", "there is no statement to verify")
	}
	for _, name := range f.bundles {
		data, err := readLimited(name, attest.MaxBundle)
		if errors.Is(err, os.ErrNotExist) && f.file {
			return hinted{fmt.Errorf("nobody vouches for it: there is no %s", name), "sign it: interdict attach --file " + s.name + " --key KEY", exitError}
		}
		if err != nil {
			return fmt.Errorf("opening a statement: %w", err)
		}
		v, err := trust.Verify(data, attest.Expect{Subject: s.digest})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := e.take(v, s); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// fromRegistry verifies what is attached to the manifest and, if there is
// nothing of use, to the index that lists it.
func (e *evidence) fromRegistry(ctx context.Context, trust *attest.Verifier, s subject) error {
	var refused error
	for _, digest := range []string{s.digest, s.index} {
		if digest == "" || e.verdict != nil || len(e.boms) > 0 {
			continue
		}
		docs, err := s.repo.List(ctx, digest, "")
		if err != nil {
			return err
		}
		e.docs = append(e.docs, docs...)
		no, err := e.takeAll(ctx, trust, s, docs)
		if err != nil {
			return err
		}
		refused = cmp.Or(refused, no)
	}
	if e.verdict != nil || len(e.boms) > 0 {
		return nil
	}
	if refused != nil {
		return refused
	}
	return hinted{fmt.Errorf("nobody vouches for it: nothing signed is attached to %s", s.digest),
		"it is not the image that was released, or nothing was attached to it: interdict attach IMAGE --key KEY", exitError}
}

// takeAll takes what verifies. What others attached may be signed by anyone and
// is passed over, as refused; what interdict attached must hold.
func (e *evidence) takeAll(ctx context.Context, trust *attest.Verifier, s subject, docs []attach.Document) (refused, err error) {
	for _, d := range docs {
		if d.Err != nil || !isStatement(d) {
			continue
		}
		v, err := verifyDocument(ctx, trust, s, d)
		var no *attest.Error
		switch {
		case err == nil:
			if err := e.take(v, s); err != nil {
				return nil, err
			}
		case errors.As(err, &no) && (!d.Ours() || no.Kind == attest.OtherKey || no.Kind == attest.OtherSigner):
			refused = err
		default:
			return nil, err
		}
	}
	return refused, nil
}

// isStatement reports whether a document may be a signed statement.
func isStatement(d attach.Document) bool {
	return strings.HasPrefix(d.MediaType, "application/vnd.dev.sigstore.bundle") || d.MediaType == "application/vnd.dsse.envelope.v1+json"
}

func verifyDocument(ctx context.Context, trust *attest.Verifier, s subject, d attach.Document) (*attest.Verified, error) {
	data, err := s.repo.Fetch(ctx, d)
	if err != nil {
		return nil, err
	}
	if d.MediaType == "application/vnd.dsse.envelope.v1+json" {
		if data, err = attest.FromEnvelope(data); err != nil {
			return nil, err
		}
	}
	return trust.Verify(data, attest.Expect{Subject: d.Subject})
}

// take notes a verified statement. Of several verdicts the newest counts: by
// the day of the law, then by the list. What is said of another platform of the
// same index is passed over.
func (e *evidence) take(v *attest.Verified, s subject) error {
	switch v.PredicateType {
	case attest.CycloneDX:
		inv, err := decodeBOM("the bill of materials", v.Predicate)
		if err != nil {
			return err
		}
		if of := inv.Subject.Digest; of == "" || of == s.digest || v.About(s.digest) {
			e.boms = append(e.boms, v)
		}
	case attest.VerdictType:
		verdict, err := attest.ParseVerdict(v.Statement)
		if err != nil {
			return err
		}
		if verdict.Image.Digest != s.digest {
			return nil
		}
		if e.verdict == nil || cmp.Or(strings.Compare(e.verdict.AsOf, verdict.AsOf), strings.Compare(e.verdict.Denylist.Issued, verdict.Denylist.Issued)) <= 0 {
			e.verdict, e.verdictBy = verdict, v.Signer
			if !v.Time.IsZero() {
				e.verdictBy += " at " + v.Time.Format(time.RFC3339)
			}
		}
	}
	return nil
}

// findBOM finds the bill of materials that is vouched for: the one that the
// verdict names, else one that was signed itself.
func (f *verifyFlags) findBOM(ctx context.Context, s subject, e *evidence) error {
	if e.verdict == nil {
		if len(e.boms) > 0 {
			last := e.boms[len(e.boms)-1]
			e.bom, e.bomBy = last.Predicate, "signed by "+last.Signer
		}
		return f.compareBOM(e)
	}
	want := e.verdict.BOM.Digest
	for _, b := range e.boms {
		if attest.Digest(b.Predicate) == want {
			e.bom, e.bomBy = b.Predicate, "signed by "+b.Signer
			return f.compareBOM(e)
		}
	}
	if f.bom != "" {
		data, err := readLimited(f.bom, attach.MaxDocument)
		if err != nil {
			return fmt.Errorf("opening a bill of materials: %w", err)
		}
		if attest.Digest(data) != want {
			return alteredBOM(f.bom, data, want)
		}
		e.bom, e.bomBy = attest.Document(data), "named by the verdict"
		return nil
	}
	for _, d := range e.docs {
		if d.Err == nil && d.Digest == want {
			data, err := s.repo.Fetch(ctx, d)
			e.bom, e.bomBy = data, "named by the verdict"
			return err
		}
	}
	if s.repo != nil && len(f.bundles) == 0 {
		return hinted{fmt.Errorf("the bill of materials that the verdict names (%s) is not attached", want), "attach it again: the push was not finished, or somebody took it away", exitError}
	}
	return nil
}

// compareBOM holds a file that was given against what was signed.
func (f *verifyFlags) compareBOM(e *evidence) error {
	if f.bom == "" || e.bom == nil {
		return nil
	}
	data, err := readLimited(f.bom, attach.MaxDocument)
	if err != nil {
		return fmt.Errorf("opening a bill of materials: %w", err)
	}
	if attest.Digest(data) != attest.Digest(e.bom) {
		return alteredBOM(f.bom, data, attest.Digest(e.bom))
	}
	return nil
}

func alteredBOM(name string, data []byte, want string) error {
	return hinted{fmt.Errorf("the bill of materials %s is not the one that was signed: its digest is %s, and %s was signed", name, attest.Digest(data), want),
		"it was changed after it was signed: take it again from where it was published", exitError}
}

// checkAge refuses a verdict by a list that is too old.
func (f *verifyFlags) checkAge(e *evidence) error {
	limit, err := parseAge(f.maxAge)
	if err != nil || limit == 0 {
		return err
	}
	if e.verdict == nil {
		return hinted{errors.New("nobody signed a verdict, so that the age of its list is not known"), "attach a verdict, or do without --max-list-age", exitError}
	}
	age, ok := e.verdict.ListAge(time.Now())
	if !ok {
		return hinted{fmt.Errorf("the verdict's list %s %s does not say when it was issued", e.verdict.Denylist.Name, e.verdict.Denylist.Version), "its version must begin with the day: 2026.11.23", exitError}
	}
	if age > limit {
		day := 24 * time.Hour
		return hinted{fmt.Errorf("the verdict is by an old list: it was issued on %s, %d days ago, and at most %d are allowed", e.verdict.Denylist.Issued, age/day, limit/day),
			"attach a verdict by a newer list", exitError}
	}
	return nil
}

func readLimited(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, limit)
	}
	return data, err
}

// decodeBOM reads a document that must be JSON.
func decodeBOM(name string, data []byte) (*sbom.Inventory, error) {
	if !bytes.HasPrefix(attest.Document(data), []byte("{")) {
		return nil, hinted{fmt.Errorf("reading %s: it is not JSON", name), "write it as CycloneDX JSON: -o cyclonedx-json=bom.json", exitError}
	}
	inv, err := cyclonedx.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, hinted{fmt.Errorf("reading %s: %w", name, err), "it takes CycloneDX", exitError}
	}
	return inv, nil
}
