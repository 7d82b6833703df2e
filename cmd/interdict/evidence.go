package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/attach"
	"github.com/interdict/interdict/sbom/attest"
	"github.com/interdict/interdict/sbom/cyclonedx"
	"github.com/interdict/interdict/sbom/document"
)

// evidence is what is vouched for of one subject.
type evidence struct {
	verdict   *attest.Verdict // nil if nobody signed one
	verdictBy string
	verdictAt time.Time          // zero for a key
	contents  []vouched          // none if no bill of materials is at hand
	boms      []*attest.Verified // signed statements of contents
	others    []string           // types of what is signed and says nothing of the subject's contents
	docs      []attach.Document
}

// vouched is a bill of materials that is vouched for.
type vouched struct {
	document  []byte
	by        string
	inventory *sbom.Inventory
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
	if e.verdict == nil && len(e.boms) == 0 {
		return nil, e.nothing(s)
	}
	if e.contents, err = f.findContents(ctx, s, e); err != nil {
		return nil, err
	}
	for i := range e.contents {
		c := &e.contents[i]
		if c.inventory, err = decodeSigned(c.document); err != nil {
			return nil, err
		}
		if of := c.inventory.Subject.Digest; of != "" && of != s.digest {
			return nil, hinted{fmt.Errorf("the bill of materials is of %s, not of %s", of, s.digest), "it was attached to the wrong image", exitError}
		}
	}
	return e, nil
}

// nothing is the refusal of statements that are signed and do not matter.
func (e *evidence) nothing(s subject) error {
	slices.Sort(e.others)
	return hinted{fmt.Errorf("nobody vouches for what is in it: what is signed (%s) is no verdict on %s and no bill of materials of it",
		strings.Join(slices.Compact(e.others), ", "), s.digest), "name the image of the platform in place of its index, or attach a verdict: interdict attach IMAGE --key KEY", exitError}
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
	if len(e.others) > 0 {
		return e.nothing(s)
	}
	return hinted{fmt.Errorf("nobody vouches for it: nothing signed is attached to %s", s.digest),
		"it is not the image that was released, or nothing was attached to it: interdict attach IMAGE --key KEY", exitError}
}

// takeAll takes what verifies. What others attached may be signed by anyone and
// is passed over, as refused; what interdict attached must hold.
func (e *evidence) takeAll(ctx context.Context, trust *attest.Verifier, s subject, docs []attach.Document) (refused, err error) {
	var size int64
	for _, d := range docs {
		if d.Err != nil || !isStatement(d) {
			continue
		}
		if size += max(d.Size, 0); size > maxAttached {
			return nil, errAttached
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

// maxAttached bounds what is fetched of one image, in bytes.
const maxAttached = 1 << 30

var errAttached = hinted{fmt.Errorf("more than %d bytes are attached to it", maxAttached), "somebody fills the registry: delete what is not yours, or verify with --bundle", exitError}

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
// the day of the law, then by the list, then by when it was signed; of equals
// the worst. What is said of another platform of the same index is passed over.
func (e *evidence) take(v *attest.Verified, s subject) error {
	switch v.PredicateType {
	case attest.CycloneDX, spdxType:
		inv, err := decodeSigned(v.Predicate)
		if err != nil {
			return err
		}
		if of := inv.Subject.Digest; of == "" || of == s.digest || v.About(s.digest) {
			e.boms = append(e.boms, v)
			return nil
		}
	case attest.VerdictType:
		verdict, err := attest.ParseVerdict(v.Statement)
		if err != nil {
			return err
		}
		if verdict.Image.Digest != s.digest {
			break
		}
		if e.verdict == nil || weigh(e.verdict, e.verdictAt, verdict, v.Time) < 0 {
			e.verdict, e.verdictBy, e.verdictAt = verdict, v.Signer, v.Time
			if !v.Time.IsZero() {
				e.verdictBy += " at " + v.Time.Format(time.RFC3339)
			}
		}
		return nil
	}
	e.others = append(e.others, printable(v.PredicateType))
	return nil
}

// weigh compares two verdicts on one image: the one that counts is greater.
func weigh(a *attest.Verdict, at time.Time, b *attest.Verdict, bt time.Time) int {
	bad := func(v *attest.Verdict) int {
		return -slices.Index(denylist.Outcomes(), denylist.Outcome(v.Outcome))
	}
	return cmp.Or(strings.Compare(a.AsOf, b.AsOf), strings.Compare(a.Denylist.Issued, b.Denylist.Issued), at.Compare(bt), cmp.Compare(bad(a), bad(b)))
}

// findContents finds the bills of materials that are vouched for: the one that
// the verdict names, else all that were signed themselves.
func (f *verifyFlags) findContents(ctx context.Context, s subject, e *evidence) ([]vouched, error) {
	var given []byte
	if f.bom != "" {
		data, err := readLimited(f.bom, attach.MaxDocument)
		if err != nil {
			return nil, fmt.Errorf("opening a bill of materials: %w", err)
		}
		given = attest.Document(data)
	}
	if e.verdict == nil {
		return f.signedContents(e, given)
	}
	want := e.verdict.BOM.Digest
	if given != nil && attest.Digest(given) != want {
		return nil, alteredBOM(f.bom, given, want)
	}
	for _, b := range e.boms {
		if attest.Digest(b.Predicate) == want {
			return []vouched{{document: b.Predicate, by: "signed by " + b.Signer}}, nil
		}
	}
	if given != nil {
		return []vouched{{document: given, by: "named by the verdict"}}, nil
	}
	for _, d := range e.docs {
		if d.Err == nil && d.Digest == want {
			data, err := s.repo.Fetch(ctx, d)
			return []vouched{{document: data, by: "named by the verdict"}}, err
		}
	}
	if s.repo != nil && len(f.bundles) == 0 {
		return nil, hinted{fmt.Errorf("the bill of materials that the verdict names (%s) is not attached", want), "attach it again: the push was not finished, or somebody took it away", exitError}
	}
	return nil, nil
}

// signedContents are the bills of materials that were signed without a verdict:
// nobody says which counts, so that each does, or the one that was given.
func (f *verifyFlags) signedContents(e *evidence, given []byte) ([]vouched, error) {
	var all []vouched
	for _, b := range e.boms {
		same := func(c vouched) bool { return bytes.Equal(c.document, attest.Document(b.Predicate)) }
		if !slices.ContainsFunc(all, same) {
			all = append(all, vouched{document: attest.Document(b.Predicate), by: "signed by " + b.Signer})
		}
	}
	if given == nil {
		return all, nil
	}
	for _, c := range all {
		if bytes.Equal(c.document, given) {
			return []vouched{c}, nil
		}
	}
	return nil, alteredBOM(f.bom, given, attest.Digest(all[0].document))
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
	day := 24 * time.Hour
	if age < -day {
		return hinted{fmt.Errorf("the verdict's list was issued on %s, which is yet to come", e.verdict.Denylist.Issued), "set the clock, or ask who issues the list", exitError}
	}
	if age > limit {
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
	if fi, err := f.Stat(); err == nil && fi.Size() > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, limit)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, limit)
	}
	return data, err
}

// spdxType is the predicate type of SPDX documents, which cosign signs
// (https://github.com/in-toto/attestation/blob/main/spec/predicates/spdx.md).
const spdxType = "https://spdx.dev/Document"

// decodeSigned reads the contents of a signed statement, of any format.
func decodeSigned(data []byte) (*sbom.Inventory, error) {
	inv, _, err := document.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, hinted{fmt.Errorf("reading the bill of materials: %w", err), "it takes CycloneDX and SPDX", exitError}
	}
	return inv, nil
}

// decodeBOM reads a CycloneDX document that must be JSON.
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
