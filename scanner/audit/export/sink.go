package export

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"

	"github.com/interdict/interdict/scanner/audit/store"
)

// sink is one document of a list that is written as it is read.
type sink interface {
	begin() error
	end() error
}

type images interface {
	sink
	image(store.Image, []store.Finding) error
}

type findings interface {
	sink
	finding(store.Finding) error
}

func imageSink(w io.Writer, f Format) (images, error) {
	switch f {
	case JSON:
		return &jsonList{w: bufio.NewWriter(w), name: "images"}, nil
	case CSV:
		return newCSV(w, imageHeader, findingHeader), nil
	case HTML:
		return &htmlList{w: bufio.NewWriter(w), title: "Images", columns: imageColumns}, nil
	}
	return nil, noFormat(f)
}

func findingSink(w io.Writer, f Format) (findings, error) {
	switch f {
	case JSON:
		return &jsonList{w: bufio.NewWriter(w), name: "findings"}, nil
	case CSV:
		return newCSV(w, whereHeader, findingHeader), nil
	case HTML:
		return &htmlList{w: bufio.NewWriter(w), title: "Findings", columns: findingColumns}, nil
	}
	return nil, noFormat(f)
}

// jsonList is {"schemaVersion": ..., NAME: [...]}, one element on a line.
type jsonList struct {
	w    *bufio.Writer
	name string
	n    int
	buf  bytes.Buffer
}

func (l *jsonList) begin() error {
	_, err := l.w.WriteString(`{"schemaVersion":"` + SchemaVersion + `","` + l.name + `":[`)
	return err
}

func (l *jsonList) end() error {
	if _, err := l.w.WriteString("\n]}\n"); err != nil {
		return err
	}
	return l.w.Flush()
}

func (l *jsonList) element(v any) error {
	l.buf.Reset()
	enc := json.NewEncoder(&l.buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	if l.n++; l.n > 1 {
		l.w.WriteByte(',')
	}
	l.w.WriteByte('\n')
	_, err := l.w.Write(bytes.TrimRight(l.buf.Bytes(), "\n"))
	return err
}

// inImage is an image whose findings are a list also when there is none.
type inImage struct {
	Image
	Findings []Finding `json:"findings"`
}

func (l *jsonList) image(i store.Image, found []store.Finding) error {
	return l.element(inImage{Image: ImageOf(i), Findings: each(found, within)})
}

func (l *jsonList) finding(f store.Finding) error { return l.element(FindingOf(f)) }
