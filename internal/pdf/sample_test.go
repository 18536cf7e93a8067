package pdf_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"luvat/internal/pdf"
)

// created is when all documents of the tests were made.
var created = time.Date(2026, 11, 20, 12, 30, 0, 0, time.FixedZone("EET", 2*60*60))

// sample is a document with one of everything.
func sample() *pdf.Doc {
	doc := pdf.New(pdf.Meta{
		Title:   "Ilmoitus yleisötilaisuudesta: Syysmarkkinat",
		Lang:    "fi",
		Author:  "Sisä-Suomen poliisilaitos",
		Created: created,
	})
	doc.Header("Luvat · Ilmoitus yleisötilaisuudesta")
	doc.Footer("Asiointi 2026-000123 · lähetetty 20.11.2026 klo 14.30")
	doc.Heading(1, "Ilmoitus yleisötilaisuudesta")
	doc.Paragraph("Tämä on kooste ilmoituksesta, jonka järjestäjä lähetti Luvat-palvelussa. Se on lähetetty Sisä-Suomen " +
		"poliisilaitokselle, joka ottaa yhteyttä, jos se tarvitsee lisätietoja.\n\nSäilytä kooste. Voit seurata asian etenemistä palvelussa.")
	doc.Heading(2, "Perustiedot")
	doc.Fields([]pdf.Field{
		{"Tilaisuuden nimi", "Syysmarkkinat – Čakčamárkanat ja Ǩiđđ’märkkna"},
		{"Aika", "4.12.2026 klo 10.00–18.00"},
		{"Paikka", "Keskustori, Tampere\nKauppakatu 4, 33200 Tampere"},
		{"Ennakoitu yleisömäärä, kun suurin osa vieraista on paikalla", "2 500"},
		{"Maksu", "5 € aikuisilta, ½ hintaa lapsilta"},
		{"Alue", "1 200 m² (§ 14)"},
		{"Lisätietoja", strings.Repeat("Torilla on esiintymislava, kaksi anniskelualuetta ja ruokamyyntiä. ", 5)},
		{"Verkkosivu", "https://www.syysmarkkinat.example/tapahtumat/2026/joulukuu/tampere-keskustori/ohjelma-ja-kartat?kieli=suomi"},
	})
	doc.Heading(2, "Järjestyksenvalvojat")
	doc.Table([]string{"Nimi", "Kortin numero", "Tehtävä", "Puhelin"}, [][]string{
		{"Áile Näkkäläjärvi", "JV-0012", "Vastaava järjestyksenvalvoja, portit A ja B", "+358 40 123 4567"},
		{"Örjan Ångström", "JV-0455", "Anniskelualue", "+358 40 765 4321"},
		{"Žofia Đorđević", "JV-1290", "Ensiapupiste"},
	})
	doc.Heading(3, "Liitteet")
	doc.List([]string{
		"Pelastussuunnitelma.pdf",
		"Aluekartta.pdf: lavat, poistumistiet, sammuttimet ja ensiapupiste merkittyinä; karttaan on piirretty myös huoltoajon reitti",
		"Maanomistajan lupa.pdf",
	})
	doc.Paragraph("Tiedot on tarkistettu ennen lähettämistä.")
	doc.Paragraph("Ilmoitus perustuu kokoontumislain (530/1999) 14 §:ään.")
	return doc
}

// long is a document of six pages, as big as our documents tend to be.
func long() *pdf.Doc {
	doc := pdf.New(pdf.Meta{Title: "Pitkä", Lang: "fi", Created: created})
	doc.Heading(1, "Pelastussuunnitelma")
	for i := range 8 {
		doc.Heading(2, fmt.Sprintf("Luku %d", i+1))
		doc.Paragraph(strings.Repeat("Yleisötilaisuuden pelastussuunnitelmassa selvitetään vaarat ja riskit. ", 6))
		var fields []pdf.Field
		for j := range 8 {
			fields = append(fields, pdf.Field{Label: fmt.Sprintf("Kysymys %d.%d", i+1, j+1), Value: strings.Repeat("Vastaus kysymykseen on tässä. ", 1+j%4)})
		}
		doc.Fields(fields)
		doc.Table([]string{"Riski", "Todennäköisyys", "Toimet"}, [][]string{
			{"Tulipalo", "Pieni", "Alkusammutuskalusto ja ohjeet henkilökunnalle"},
			{"Sairauskohtaus", "Kohtalainen", "Ensiapupiste ja opastus ensihoidolle"},
		})
	}
	return doc
}

func write(t testing.TB, doc *pdf.Doc) []byte {
	t.Helper()
	var b bytes.Buffer
	n, err := doc.WriteTo(&b)
	if err != nil || n != int64(b.Len()) {
		t.Fatalf("WriteTo = %d, %v; want %d bytes and no error", n, err, b.Len())
	}
	return b.Bytes()
}
