package pdf

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"math"
	"strings"
	"time"
)

// producer is the program named in a document's properties.
const producer = "Luvat"

// information returns the document information dictionary. It says the same
// as xmp does: PDF/A asks for that.
func information(meta Meta) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<</Title %s/Creator(%s)/Producer(%s)", textString(meta.Title), producer, producer)
	if meta.Author != "" {
		fmt.Fprintf(&b, "/Author %s", textString(meta.Author))
	}
	if !meta.Created.IsZero() {
		at := meta.Created.UTC().Format("D:20060102150405Z")
		fmt.Fprintf(&b, "/CreationDate(%s)/ModDate(%s)", at, at)
	}
	b.WriteString(">>")
	return b.String()
}

// xmp returns the metadata packet. PDF/A does not know the properties of
// PDF/UA, so the packet describes them.
func xmp(meta Meta) string {
	var b strings.Builder
	b.WriteString("<?xpacket begin=\"\uFEFF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n")
	b.WriteString(`<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about=""
 xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:pdf="http://ns.adobe.com/pdf/1.3/"
 xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"
 xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/"
 xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
 xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#"
 xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<pdfaid:part>2</pdfaid:part>
<pdfaid:conformance>A</pdfaid:conformance>
<pdfuaid:part>1</pdfuaid:part>
`)
	fmt.Fprintf(&b, "<dc:title><rdf:Alt><rdf:li xml:lang=\"x-default\">%s</rdf:li></rdf:Alt></dc:title>\n", escape(meta.Title))
	if meta.Author != "" {
		fmt.Fprintf(&b, "<dc:creator><rdf:Seq><rdf:li>%s</rdf:li></rdf:Seq></dc:creator>\n", escape(meta.Author))
	}
	fmt.Fprintf(&b, "<dc:language><rdf:Bag><rdf:li>%s</rdf:li></rdf:Bag></dc:language>\n", meta.Lang)
	fmt.Fprintf(&b, "<xmp:CreatorTool>%s</xmp:CreatorTool>\n<pdf:Producer>%s</pdf:Producer>\n", producer, producer)
	if !meta.Created.IsZero() {
		at := meta.Created.UTC().Format(time.RFC3339)
		fmt.Fprintf(&b, "<xmp:CreateDate>%s</xmp:CreateDate>\n<xmp:ModifyDate>%s</xmp:ModifyDate>\n", at, at)
	}
	b.WriteString(`<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>PDF/UA identification schema</pdfaSchema:schema>
<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>
<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">
<pdfaProperty:name>part</pdfaProperty:name>
<pdfaProperty:valueType>Integer</pdfaProperty:valueType>
<pdfaProperty:category>internal</pdfaProperty:category>
<pdfaProperty:description>Part of ISO 14289 that the document follows</pdfaProperty:description>
</rdf:li></rdf:Seq></pdfaSchema:property>
</rdf:li></rdf:Bag></pdfaExtension:schemas>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>`)
	return b.String()
}

func escape(text string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text)) // a buffer takes everything
	return b.String()
}

// sRGB returns an ICC profile (version 2.1) of the colour space IEC 61966-2-1,
// which says what our colours look like.
func sRGB() []byte {
	be := binary.BigEndian
	fixed := func(values ...float64) []byte { // XYZ values as s15Fixed16
		out := append([]byte("XYZ "), 0, 0, 0, 0)
		for _, v := range values {
			out = be.AppendUint32(out, uint32(int32(math.Round(v*65536))))
		}
		return out
	}
	name := "sRGB IEC61966-2.1"
	desc := append([]byte("desc"), 0, 0, 0, 0)
	desc = be.AppendUint32(desc, uint32(len(name)+1))
	desc = append(desc, name...)
	desc = append(desc, make([]byte, 1+4+4+2+1+67)...) // its end; no Unicode name, no Macintosh name
	notice := append([]byte("text\x00\x00\x00\x00"), "No copyright, use freely\x00"...)

	const steps = 1024
	curve := append([]byte("curv"), 0, 0, 0, 0)
	curve = be.AppendUint32(curve, steps)
	for i := range steps {
		curve = be.AppendUint16(curve, uint16(math.Round(linear(float64(i)/(steps-1))*65535)))
	}

	// The primaries of sRGB, adapted to the white of the profile connection
	// space (D50) by the Bradford transform.
	tags := []struct {
		names []string
		data  []byte
	}{
		{[]string{"desc"}, desc},
		{[]string{"cprt"}, notice},
		{[]string{"wtpt"}, fixed(0.9504559, 1, 1.0890578)},
		{[]string{"rXYZ"}, fixed(0.4360657, 0.2224884, 0.0139160)},
		{[]string{"gXYZ"}, fixed(0.3851471, 0.7168732, 0.0970764)},
		{[]string{"bXYZ"}, fixed(0.1430664, 0.0606079, 0.7140961)},
		{[]string{"rTRC", "gTRC", "bTRC"}, curve},
	}
	const count = 9
	var directory, data []byte
	offset := 128 + 4 + 12*count
	for _, t := range tags {
		for _, n := range t.names {
			directory = append(directory, n...)
			directory = be.AppendUint32(directory, uint32(offset+len(data)))
			directory = be.AppendUint32(directory, uint32(len(t.data)))
		}
		data = append(data, t.data...)
		data = append(data, make([]byte, -len(t.data)&3)...)
	}

	head := make([]byte, 128)
	be.PutUint32(head, uint32(offset+len(data)))
	be.PutUint32(head[8:], 0x02100000)
	copy(head[12:], "mntrRGB XYZ ")
	for i, v := range []uint16{2026, 1, 1, 0, 0, 0} { // when it was made
		be.PutUint16(head[24+2*i:], v)
	}
	copy(head[36:], "acsp")
	copy(head[68:], fixed(0.9642, 1, 0.8249)[8:]) // D50
	out := be.AppendUint32(head, count)
	return append(append(out, directory...), data...)
}

// linear turns a part of an sRGB colour into an amount of light.
func linear(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}
