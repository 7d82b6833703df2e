package source

import (
	"archive/tar"
	"context"
	"errors"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/interdict/interdict/scanner"
)

// streamImage is an image whose archive is a stream: a scanner.Streamer.
type streamImage struct{ *image }

// streamed makes Sources of images of an archive, and Streamers if it is a
// stream.
func streamed(images []*image) []scanner.Source {
	out := make([]scanner.Source, len(images))
	for i, im := range images {
		out[i] = im
		if im.archive.random == nil {
			out[i] = &streamImage{im}
		}
	}
	return out
}

// Stream implements scanner.Streamer.
func (s *streamImage) Stream(ctx context.Context, fn func(i int, l scanner.Layer) error) error {
	at := map[int]int{} // header of the archive -> layer
	for i, l := range s.layers {
		m, _, err := s.archive.resolve(l.(*blobLayer).member)
		if err != nil {
			continue
		}
		if _, ok := at[m.ordinal]; !ok {
			at[m.ordinal] = i
		}
	}
	rc, err := s.archive.start(ctx)
	if err != nil {
		return err
	}
	defer rc.Close()
	tr := tar.NewReader(rc)
	for n := 0; len(at) > 0; n++ {
		if _, err := tr.Next(); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if s.archive.damage != nil {
				return nil // each layer that was not passed says so when it is opened
			}
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return truncated(s.archive.path, err)
		}
		i, ok := at[n]
		if !ok {
			continue
		}
		delete(at, n)
		passing := &passingLayer{blobLayer: s.layers[i].(*blobLayer), r: tr}
		err := fn(i, passing)
		passing.r = nil
		if err != nil {
			return err
		}
	}
	return nil
}

// passingLayer is a layer while the stream is at it.
type passingLayer struct {
	*blobLayer
	r io.Reader // nil once opened or passed
}

func (l *passingLayer) Open(context.Context) (io.ReadCloser, error) {
	if l.r == nil {
		return nil, errors.New("opening layer " + l.name() + ": the stream has passed it")
	}
	rc := io.NopCloser(l.r)
	l.r = nil
	want, err := v1.NewHash(l.desc.Digest)
	if err != nil { // not known
		return rc, nil
	}
	size := l.desc.Size
	if size == 0 {
		size = -1
	}
	return verify(rc, v1.Descriptor{Digest: want, Size: size})
}
