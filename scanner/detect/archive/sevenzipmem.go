package archive

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/bodgit/sevenzip"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/compress"
	"github.com/stangelandcl/ppmd"
	"github.com/ulikunitz/xz/lzma"
)

// registerBounded replaces those decompressors of the 7z library that take as
// much memory as a header asks for, which may be 4 GiB. A window larger than
// what comes out is never needed: theirs are no larger, and at most
// [compress.MaxWindow]. The library has one register for the whole program; to
// register again changes nothing.
func registerBounded() {
	sevenzip.RegisterDecompressor([]byte{3, 1, 1}, lzmaReader) // 7-Zip, Methods.txt
	sevenzip.RegisterDecompressor([]byte{0x21}, lzma2Reader)
	sevenzip.RegisterDecompressor([]byte{3, 4, 1}, ppmdReader)
}

var errProperties = errors.New("the properties of a compression are wrong")

// window is the memory for a dictionary of a stated size, where size bytes come
// out.
func window(stated, size uint64) (int, error) {
	n := max(min(stated, size), lzma.MinDictCap)
	if n > compress.MaxWindow {
		return 0, fmt.Errorf("it needs %d bytes of memory to decompress: %w", n, errTooLarge)
	}
	return int(n), nil
}

var errTooLarge = fmt.Errorf("more than %d bytes of memory: %w", compress.MaxWindow, scanner.ErrLimit)

// closing is a decompressor and the reader below it.
type closing struct {
	io.Reader
	io.Closer
}

func lzmaReader(p []byte, size uint64, in []io.ReadCloser) (io.ReadCloser, error) {
	if len(p) != 5 || len(in) != 1 {
		return nil, errProperties
	}
	dict, err := window(uint64(binary.LittleEndian.Uint32(p[1:])), size)
	if err != nil {
		return nil, err
	}
	h := binary.LittleEndian.AppendUint32([]byte{p[0]}, uint32(dict))
	h = binary.LittleEndian.AppendUint64(h, size)
	r, err := lzma.ReaderConfig{DictCap: compress.MaxWindow}.NewReader(bufio.NewReader(io.MultiReader(bytes.NewReader(h), in[0])))
	if err != nil {
		return nil, err
	}
	return closing{r, in[0]}, nil
}

func lzma2Reader(p []byte, size uint64, in []io.ReadCloser) (io.ReadCloser, error) {
	if len(p) != 1 || p[0] > 40 || len(in) != 1 {
		return nil, errProperties
	}
	dict, err := window((2|uint64(p[0]&1))<<(p[0]/2+11), size) // xz-file-format.txt, 5.3.1
	if err != nil {
		return nil, err
	}
	r, err := lzma.Reader2Config{DictCap: dict}.NewReader2(in[0])
	if err != nil {
		return nil, err
	}
	return closing{r, in[0]}, nil
}

// maxModel is the memory for a PPMd model: 7-Zip takes 192 MiB at most by itself.
const maxModel = 256 << 20

// ppmdReader takes the memory for its model as it is stated, for what comes out
// depends on it: more than the bound is refused.
func ppmdReader(p []byte, size uint64, in []io.ReadCloser) (io.ReadCloser, error) {
	if len(p) != 5 || len(in) != 1 {
		return nil, errProperties
	}
	memory := binary.LittleEndian.Uint32(p[1:])
	if memory > maxModel {
		return nil, errTooLarge
	}
	r, err := ppmd.NewH7zReader(in[0], int(p[0]), int(memory), int(min(size, 1<<62)))
	if err != nil {
		return nil, err
	}
	return closing{&r, in[0]}, nil
}
