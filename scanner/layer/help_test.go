package layer_test

import (
	"archive/tar"
	"bytes"
	"io"
)

// cutTar ends a tar that was cut off after its last whole entry.
func cutTar(cut []byte) ([]byte, error) {
	r := bytes.NewReader(cut)
	tr := tar.NewReader(r)
	whole := 0
	for {
		_, err := tr.Next()
		if err == io.EOF {
			return cut, nil
		}
		if err != nil {
			break
		}
		if _, err := io.Copy(io.Discard, tr); err != nil {
			break
		}
		whole = (len(cut) - r.Len() + 511) / 512 * 512
	}
	return append(cut[:whole:whole], make([]byte, 1024)...), nil
}
