// Package ttf cuts and joins TrueType fonts: as little of the format as our
// PDF writer and its font generator need.
//
// A font is a set of named tables ([Tables]). [FromWOFF] and [FromTTF] read
// them, [Tables.Bytes] writes them, [Merge] makes one font of several that
// split one typeface by script, and [Subset] keeps only the glyphs that a
// document uses. Measuring text is not done here: golang.org/x/image/font/sfnt
// does that.
package ttf

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Tables are the tables of a font by their four-letter names.
type Tables map[string][]byte

// maxTable bounds what one compressed table may grow to.
const maxTable = 16 << 20

var (
	errShort = errors.New("font is cut short")
	be       = binary.BigEndian
)

// FromTTF reads a TrueType font. The tables share memory with data.
func FromTTF(data []byte) (Tables, error) {
	if len(data) < 12 {
		return nil, errShort
	}
	t := Tables{}
	for i := range int(be.Uint16(data[4:])) {
		entry, err := slice(data, 12+16*i, 16)
		if err != nil {
			return nil, err
		}
		name := string(entry[:4])
		if t[name], err = slice(data, int(be.Uint32(entry[8:])), int(be.Uint32(entry[12:]))); err != nil {
			return nil, fmt.Errorf("table %s: %w", name, err)
		}
	}
	return t, nil
}

// FromWOFF reads a WOFF 1.0 file, which is a TrueType font with each table
// compressed by zlib.
func FromWOFF(data []byte) (Tables, error) {
	if len(data) < 44 || string(data[:4]) != "wOFF" {
		return nil, errors.New("not a WOFF file")
	}
	t := Tables{}
	for i := range int(be.Uint16(data[12:])) {
		entry, err := slice(data, 44+20*i, 20)
		if err != nil {
			return nil, err
		}
		name := string(entry[:4])
		packed, err := slice(data, int(be.Uint32(entry[4:])), int(be.Uint32(entry[8:])))
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", name, err)
		}
		if t[name], err = unpack(packed, int(be.Uint32(entry[12:]))); err != nil {
			return nil, fmt.Errorf("table %s: %w", name, err)
		}
	}
	return t, nil
}

// unpack returns the table of the given size that packed holds: compressed,
// or as it is where compressing did not make it smaller.
func unpack(packed []byte, size int) ([]byte, error) {
	if len(packed) >= size {
		return packed, nil
	}
	if size > maxTable {
		return nil, fmt.Errorf("%d bytes are too many", size)
	}
	r, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	table := make([]byte, size)
	if _, err := io.ReadFull(r, table); err != nil {
		return nil, err
	}
	return table, nil
}

// Bytes writes the tables as a TrueType font, in the order of their names and
// with right checksums.
func (t Tables) Bytes() []byte {
	names := slices.Sorted(maps.Keys(t))
	n := len(names)
	power := 1
	for power*2 <= n {
		power *= 2
	}
	log := 0
	for 1<<(log+1) <= power {
		log++
	}

	out := be.AppendUint32(nil, 0x00010000)
	for _, v := range []int{n, power * 16, log, (n - power) * 16} {
		out = be.AppendUint16(out, uint16(v))
	}
	var body []byte
	head := 0
	for _, name := range names {
		table := slices.Clone(t[name])
		offset := 12 + 16*n + len(body)
		if name == "head" && len(table) >= 12 {
			head = offset
			clear(table[8:12]) // the sum of the whole file goes here, below
		}
		out = append(out, name...)
		out = be.AppendUint32(out, checksum(table))
		out = be.AppendUint32(out, uint32(offset))
		out = be.AppendUint32(out, uint32(len(table)))
		body = append(body, table...)
		body = append(body, make([]byte, -len(body)&3)...)
	}
	out = append(out, body...)
	if head > 0 {
		be.PutUint32(out[head+8:], 0xB1B0AFBA-checksum(out))
	}
	return out
}

// checksum adds the table up as big-endian words, padded with zeros.
func checksum(table []byte) uint32 {
	var sum uint32
	for len(table) >= 4 {
		sum += be.Uint32(table)
		table = table[4:]
	}
	var rest [4]byte
	copy(rest[:], table)
	return sum + be.Uint32(rest[:])
}

// slice returns length bytes of data from offset, or an error where there are
// not as many.
func slice(data []byte, offset, length int) ([]byte, error) {
	if offset < 0 || length < 0 || offset > len(data)-length {
		return nil, errShort
	}
	return data[offset : offset+length : offset+length], nil
}
