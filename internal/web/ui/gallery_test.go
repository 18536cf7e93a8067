package ui

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/a-h/templ"

	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/testkit"
	"luvat/internal/web/static"
)

// TestGallery draws every component with sample data and compares the pages
// with golden files. To look at them, set LUVAT_TEST_GALLERY to a folder and serve
// it: the pages and the static files are written there.
func TestGallery(t *testing.T) {
	for name, page := range map[string]templ.Component{
		"form":     galleryForm(i18n.FI, nil, ""),
		"problems": galleryForm(i18n.SV, galleryProblems(), "workers"),
		"desk":     galleryDesk(i18n.FI),
		"matter":   galleryMatter(i18n.EN),
		"error":    ErrorPage(Page{Lang: i18n.FI, Title: "Sivua ei löytynyt", Path: "/x"}, "Osoite on väärä tai asia ei ole sinun.", "K7QX3M2A"),
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := page.Render(context.Background(), &b); err != nil {
				t.Fatal(err)
			}
			look(t, name, b.Bytes())
			html := strings.ReplaceAll(b.String(), static.Fingerprint(), "FINGERPRINT")
			testkit.Golden(t, name+".html", strings.ReplaceAll(html, "><", ">\n<"))
			if strings.Contains(html, "[ui.") {
				t.Error("a word is missing: look for [ui.")
			}
		})
	}
}

func look(t *testing.T, name string, page []byte) {
	dir := os.Getenv("LUVAT_TEST_GALLERY")
	if dir == "" {
		return
	}
	write := func(name string, body []byte) {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, body, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(name+".html", page)
	for _, file := range static.Names() {
		write(strings.TrimPrefix(static.URL(file), "/"), static.Bytes(file))
		write(strings.TrimPrefix(static.Prefix, "/")+file, static.Bytes(file))
	}
}

func words(fi, sv, en string) i18n.Text { return i18n.Text{FI: fi, SV: sv, EN: en} }

func galleryNodes() []forms.Node {
	node := func(path string, w forms.Widget, label i18n.Text, change func(*forms.Node)) forms.Node {
		n := forms.Node{Kind: forms.KindField, Path: path, Name: path[strings.LastIndexByte(path, '.')+1:], Widget: w, Label: label, Required: true}
		if change != nil {
			change(&n)
		}
		return n
	}
	row := func(i, name, phone string) []forms.Node {
		return []forms.Node{
			node("workers."+i+".name", forms.WidgetText, words("Nimi", "Namn", "Name"), func(n *forms.Node) { n.Raw = name }),
			node("workers."+i+".phone", forms.WidgetPhone, words("Puhelinnumero", "Telefonnummer", "Phone number"), func(n *forms.Node) { n.Raw, n.Required = phone, false }),
		}
	}
	group := func(label i18n.Text, nodes ...forms.Node) forms.Node {
		return forms.Node{Kind: forms.KindGroup, Widget: forms.WidgetGroup, Label: label, Children: nodes}
	}
	kinds := []forms.Option{
		{Value: "concert", Label: words("Konsertti tai festivaali", "Konsert eller festival", "Concert or festival")},
		{Value: "sport", Label: words("Urheilutapahtuma", "Idrottsevenemang", "Sports event")},
		{Value: "market", Label: words("Markkinat tai messut", "Marknad eller mässa", "Market or fair")},
	}
	return []forms.Node{
		group(
			words("Tapahtuma", "Evenemang", "Event"),
			node("event_name", forms.WidgetText, words("Tapahtuman nimi", "Evenemangets namn", "Name of the event"), func(n *forms.Node) { n.Raw, n.MaxLength = "Pyhäjärven yömarkkinat", 120 }),
			node("event_type", forms.WidgetChoice, words("Millainen tapahtuma on?", "Hurdant är evenemanget?", "What kind of event is it?"), func(n *forms.Node) {
				n.Options, n.Raw, n.Controls = kinds, "market", true
			}),
			node("starts", forms.WidgetDateTime, words("Tapahtuma alkaa", "Evenemanget börjar", "The event begins"), func(n *forms.Node) { n.Raw = "2027-07-01T18:00" }),
			node("description", forms.WidgetLongText, words("Kuvaus tapahtumasta", "Beskrivning av evenemanget", "Description of the event"), func(n *forms.Node) {
				n.MaxLength, n.Help = 2000, words("Kerro lyhyesti, mitä tapahtumassa on ja kenelle se on tarkoitettu.", "Berätta kort vad som ordnas och för vem.", "Tell briefly what there is and for whom.")
			}),
			node("peak", forms.WidgetInteger, words("Suurin yleisömäärä yhtä aikaa", "Största publik samtidigt", "Largest audience at one time"), func(n *forms.Node) {
				n.Unit, n.Raw = "henkilöä", "1200"
			}),
			node("alcohol", forms.WidgetBool, words("Tarjoillaanko alkoholia?", "Serveras det alkohol?", "Is alcohol served?"), func(n *forms.Node) { n.Raw, n.Controls = "false", true }),
			node("services", forms.WidgetChoices, words("Mitä muuta paikalla on?", "Vad finns det annat?", "What else is there?"), func(n *forms.Node) {
				n.Required = false
				n.Value = []any{"tent"}
				n.Options = []forms.Option{
					{Value: "tent", Label: words("Teltta tai katos", "Tält eller tak", "Tent or canopy")},
					{Value: "stage", Label: words("Esiintymislava", "Scen", "Stage")},
					{Value: "fireworks", Label: words("Ilotulitus tai muu pyrotekniikka, jota varten tehdään erillinen ilmoitus", "Fyrverkeri", "Fireworks")},
				}
			}),
		),
		group(
			words("Paikka", "Plats", "Place"),
			forms.Node{
				Kind: forms.KindGroup, Widget: forms.WidgetPlace, Path: "place", Name: "place", Label: words("Tapahtumapaikka", "Evenemangsplats", "Venue"), Required: true,
				Children: []forms.Node{
					node("place.address", forms.WidgetText, words("Osoite", "Adress", "Address"), nil),
					node("place.postal_code", forms.WidgetText, words("Postinumero", "Postnummer", "Postal code"), func(n *forms.Node) { n.MaxLength = 5 }),
					node("place.city", forms.WidgetText, words("Postitoimipaikka", "Postanstalt", "Town"), nil),
					node("place.coordinates", forms.WidgetCoordinates, i18n.All("forms.coordinates"), func(n *forms.Node) {
						n.Required, n.Help, n.Raw = false, i18n.All("forms.coordinates_help"), "61.4978, 23.7610"
						n.Value = map[string]any{"lat": json.Number("61.4978"), "lon": json.Number("23.761")}
					}),
				},
			},
			node("municipality", forms.WidgetMunicipality, words("Kunta", "Kommun", "Municipality"), func(n *forms.Node) { n.Raw = "837" }),
			node("others", forms.WidgetMunicipalities, words("Muut kunnat, joihin tapahtuma ulottuu", "Andra kommuner", "Other municipalities"), func(n *forms.Node) {
				n.Required, n.Item, n.Value = false, forms.WidgetMunicipality, []any{"562", "Lempälä?"}
			}),
		),
		group(
			words("Järjestyksenvalvonta", "Ordningsövervakning", "Stewards"),
			forms.Node{
				Kind: forms.KindRows, Widget: forms.WidgetRows, Path: "workers", Name: "workers", Label: words("Järjestyksenvalvojat", "Ordningsvakter", "Stewards"), MaxItems: 20,
				Rows: [][]forms.Node{row("0", "Aino Esimerkki", "040 123 4567")}, Children: row("1", "", ""),
			},
			node("plan", forms.WidgetFiles, words("Turvallisuussuunnitelma", "Säkerhetsplan", "Safety plan"), func(n *forms.Node) {
				n.Value, n.Accept = []any{"f1", "f2"}, []string{"pdf", "docx", "jpg"}
			}),
			node("business_id", forms.WidgetBusinessID, words("Y-tunnus", "FO-nummer", "Business ID"), func(n *forms.Node) { n.Required = false }),
			forms.Node{ // one part is enough, whichever
				Kind: forms.KindGroup, Widget: forms.WidgetGroup, Path: "reach", Name: "reach", Label: words("Mistä tavoitamme teidät?", "Var når vi er?", "Where can we reach you?"), Required: true,
				Children: []forms.Node{
					node("reach.phone", forms.WidgetPhone, words("Puhelinnumero", "Telefonnummer", "Phone number"), func(n *forms.Node) { n.Required = false }),
					node("reach.email", forms.WidgetEmail, words("Sähköposti", "E-post", "Email"), func(n *forms.Node) { n.Required = false }),
				},
			},
			forms.Node{ // need not be answered; if it is, by its name
				Kind: forms.KindGroup, Widget: forms.WidgetGroup, Path: "deputy", Name: "deputy", Label: words("Sijainen", "Ersättare", "Deputy"),
				Children: []forms.Node{
					node("deputy.name", forms.WidgetText, words("Nimi", "Namn", "Name"), nil),
					node("deputy.phone", forms.WidgetPhone, words("Puhelinnumero", "Telefonnummer", "Phone number"), func(n *forms.Node) { n.Required = false }),
				},
			},
		),
	}
}

func galleryProblems() forms.Problems {
	return forms.Problems{
		{Path: "event_name", Key: "ui.not_answered"},
		{Path: "event_type", Key: "ui.not_answered"},
		{Path: "starts", Key: "ui.not_answered"},
		{Path: "place.address", Key: "ui.not_answered"},
		{Path: "others.1", Key: "ui.not_answered"},
		{Path: "workers.1.name", Key: "ui.not_answered"},
		{Path: "plan", Key: "ui.upload_too_large"},
	}
}

func galleryForm(l i18n.Lang, problems forms.Problems, adding string) templ.Component {
	f := Form{
		Lang: l, ID: "answers", Action: "/matters/1", Version: "7", Nodes: galleryNodes(), Problems: problems, Adding: adding,
		Autosave: "/matters/1/autosave", SavedAt: "14.32", Upload: "/matters/1/upload",
		Files:          map[string]File{"f1": {Name: "Turvallisuussuunnitelma 2027 lopullinen versio.pdf", Size: "1,2 Mt", Href: "/files/f1"}, "f2": {Name: "kartta.jpg", Size: "820 kt", Note: "tarkistetaan"}},
		Municipalities: []Option{{Value: "837", Label: "Tampere"}, {Value: "562", Label: "Orivesi"}},
	}
	return galleryFormPage(Page{
		Lang: l, Title: "Yleisötilaisuuden ilmoitus", Lead: "Ilmoitus poliisille viimeistään viisi vuorokautta ennen tilaisuutta.", Path: "/matters/1",
		Person: "Aino Esimerkki", Role: "Esimerkkitapahtumat Oy", RoleHref: "/roles", FormID: "answers", Problems: problems != nil,
		Nav:  []Link{{Label: "Etusivu", Href: "/"}, {Label: "Hankkeet", Href: "/projects", Current: true}, {Label: "Viestit", Href: "/messages", Count: 2}},
		Back: &Link{Label: "Pyhäjärven yömarkkinat", Href: "/projects/1"},
	}, f)
}

func galleryDesk(l i18n.Lang) templ.Component {
	return galleryDeskPage(Page{
		Lang: l, Title: "Minua odottavat asiat", Path: "/desk?handler=me", Person: "Olli Virkamies", Role: "Sisä-Suomen poliisilaitos", Wide: true,
		Nav:   []Link{{Label: "Työjono", Href: "/desk", Current: true, Count: 10}, {Label: "Kaikki asiat", Href: "/all"}, {Label: "Haku", Href: "/search"}},
		Flash: &Flash{Kind: Success, Text: "Asia on otettu käsittelyyn."}, Strip: "Kokeiluympäristö: mitään ei lähetetä viranomaisille.",
	})
}

func galleryMatter(l i18n.Lang) templ.Component {
	return galleryMatterPage(Page{
		Lang: l, Title: "Notification of a public event", Path: "/matters/1", Person: "Aino Esimerkki", Wide: true,
		Nav: []Link{{Label: "Front page", Href: "/"}, {Label: "Projects", Href: "/projects", Current: true}},
	})
}

// TestWindowTitle: the title tells first what the page is, and problems before
// everything.
func TestWindowTitle(t *testing.T) {
	for _, tt := range []struct {
		name string
		page Page
		want string
	}{
		{"a page", Page{Lang: i18n.EN, Title: "Messages"}, "Messages – Permits and Supervision"},
		{"the front page", Page{Lang: i18n.SV}, "Tillstånd och tillsyn"},
		{"one of several with the same heading", Page{Lang: i18n.EN, Title: "Inbox", Window: "On me"}, "On me – Inbox – Permits and Supervision"},
		{"a page with problems", Page{Lang: i18n.FI, Title: "Paikka", Problems: true}, "Virhe: Paikka – Luvat ja valvonta"},
	} {
		if got := tt.page.windowTitle(); got != tt.want {
			t.Errorf("%s: title %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestLanguageLink: the address keeps what it asked for.
func TestLanguageLink(t *testing.T) {
	if got, want := (Page{Path: "/desk?after=7&lang=fi"}).in(i18n.SV), "/desk?after=7&lang=sv"; got != want {
		t.Errorf("in(sv) = %q, want %q", got, want)
	}
}

// TestTypedIsShown: an input of a date would hide what is no date.
func TestTypedIsShown(t *testing.T) {
	for value, want := range map[string]string{"": "date", "2027-03-02": "date", "ensi viikolla": "text"} {
		if got := typeFor("date", value); got != want {
			t.Errorf("typeFor(date, %q) = %q, want %q", value, got, want)
		}
	}
}

// TestRepeatedNames: the hidden input before choices and files says that the
// field was on the page.
func TestRepeatedNames(t *testing.T) {
	var b bytes.Buffer
	f := Form{Lang: i18n.FI, Nodes: galleryNodes()}
	if err := f.Fields().Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"event_type", "services", "workers", "plan", "others"} {
		if !strings.Contains(b.String(), `<input type="hidden" name="`+name+`" value="">`) {
			t.Errorf("%s: no empty hidden input", name)
		}
	}
}

// in puts components inside another, as a page's template does.
func in(outer templ.Component, inner ...templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return outer.Render(templ.WithChildren(ctx, templ.Join(inner...)), w)
	})
}

func galleryFormPage(p Page, f Form) templ.Component {
	return in(
		Layout(p),
		Steps(p.Lang, []Step{{Label: "Yhteiset tiedot", Href: "#", State: Done}, {Label: "Ilmoituksen tiedot", State: Current}, {Label: "Tarkistus ja lähetys"}}),
		in(
			f.Frame(),
			f.ProblemSummary(),
			f.Fields(),
			f.SaveBar(),
			in(Actions(), Button(Primary, "_next", "1", "Tallenna ja jatka"), Button(Secondary, "_save", "1", "Tallenna luonnos"), LinkButton(Quiet, "/projects/1", "Palaa hankkeeseen")),
		),
	)
}

func galleryDeskPage(p Page) templ.Component {
	columns := []Column{{Label: "Asia"}, {Label: "Hanke"}, {Label: "Määräaika"}, {Label: "Tila"}, {Label: "Liitteitä", Number: true}}
	row := func(name, project string, urgency Urgency, deadline, status, statusText, files string) templ.Component {
		return Row(columns, TextLink("/desk/1", name), Text(project), DeadlineTag(urgency, deadline), StatusTag(status, statusText), Text(files))
	}
	return in(
		Layout(p),
		Tabs("Työjonon osat", []Link{{Label: "Odottaa minua", Href: "#", Current: true, Count: 4}, {Label: "Odottaa asiakasta", Href: "#", Count: 3}, {Label: "Valmiit", Href: "#"}}),
		Search(p.Lang, "/search", "q", "", "Hae asian nimellä tai numerolla"),
		in(
			Table("", columns),
			row("Yleisötilaisuuden ilmoitus LV-2027-00012", "Pyhäjärven yömarkkinat", Late, "1.3.2027, päivän myöhässä", "to_complete", "Täydennettävänä", "3"),
			row("Ilotulitusnäytöksen ilmoitus LV-2027-00031", "Kevätkarnevaali, Tampereen keskustori ja Koskipuisto", Soon, "4.3.2027, 2 päivää jäljellä", "pending", "Vireillä", "12"),
			row("Pelastussuunnitelma LV-2027-00040", "Messukeskuksen remontti", InTime, "30.4.2027", "in_handling", "Käsittelyssä", "0"),
			row("Melutason ilmoitus LV-2027-00007", "Satamakonsertti", InTime, "–", "finished", "Valmis", "1"),
			row("Maastotapahtuma LV-2027-00002", "Polkujuoksu", InTime, "–", "transferred", "Siirretty", "1"),
			row("Maastotapahtuma LV-2027-00001", "Polkujuoksu", InTime, "–", "withdrawn", "Peruttu", "1"),
		),
		Pager(p.Lang, "/desk", "/desk?after=1"),
		in(EmptyState("Ei avoimia täydennyksiä", "Kun asiakas vastaa, asia palaa tähän listaan."), LinkButton(Secondary, "/all", "Katso kaikki asiat")),
		in(Grid(),
			in(Card(2, "Tapahtuma", "/survey/event"), Text("Selvitä, mitä lupia ja ilmoituksia tapahtumasi tarvitsee.")),
			in(Card(2, "Tuotantolaitos", "/survey/plant"), Text("Ympäristöluvat, kemikaalit ja painelaitteet.")),
			in(Card(2, "Uusiutuva energia", "/survey/energy"), Text("Tuuli, aurinko, bioenergia: yksi yhteyspiste.")),
		),
	)
}

func galleryMatterPage(p Page) templ.Component {
	side := templ.Join(
		in(Panel("Who holds this"), in(Facts(), in(Fact("Holder"), Text("Central Finland Police Department")), in(Fact("By"), DeadlineTag(InTime, "3 June 2027")))),
		in(Panel(""), PrintButton(p.Lang), PostButton("/matters/1/withdraw", QuietRed, "", "", "Withdraw the matter")),
	)
	return in(
		Layout(p),
		in(
			Split(side),
			StatusTag("in_handling", "Being handled"),
			in(Alert(Warning, "The authority asks for more"), Text("Please attach a map of the escape routes by 10 March 2027.")),
			in(Alert(Info, ""), Text("The decision comes to your messages.")),
			in(Alert(Error, "Not sent"), Text("Sending did not succeed. Try again.")),
			templ.Raw("<h2>Answers</h2>"),
			Summary(p.Lang, []Item{{Label: "Name of the event", Value: "Night market", ChangeHref: "#"}, {Label: "Venue", Value: "Laukontori 1\n33200 Tampere", ChangeHref: "#"}, {Label: "Website", ChangeHref: "#"}}),
			templ.Raw("<h2>What has happened</h2>"),
			Timeline([]Event{
				{When: "2 March 2027 at 11:00", Instant: "2027-03-02T11:00:00+02:00", Title: "Taken into handling", By: "Central Finland Police Department", Icon: "hourglass", Now: true},
				{When: "1 March 2027 at 15:20", Title: "Sent", By: "Aino Esimerkki", Text: "Receipt LV-2027-00012", Icon: "send"},
				{When: "26 February 2027 at 9:05", Title: "Draft begun", By: "Aino Esimerkki"},
			}),
			templ.Raw("<h2>Messages</h2>"),
			MessageList(p.Lang, []Message{
				{From: "Olli Virkamies", Role: "Authority", When: "2 March 2027 at 11:02", Text: "Could you attach a map of the escape routes?\n\nThank you.", Unread: true},
				{From: "Aino Esimerkki", When: "2 March 2027 at 12:40", Text: "Here it is.", Mine: true, Files: []File{{Name: "map.pdf", Size: "300 kB", Href: "#"}}},
			}),
			TextArea(Control{Lang: p.Lang, Name: "text", Label: "Write a message", Max: 4000, Rows: 4}),
			Checkbox(Control{Lang: p.Lang, Name: "share", Label: "Share this with the other authorities of the project", Help: "They see the message and its files."}),
			Select(Control{Lang: p.Lang, Name: "to", Label: "To", Optional: true, Options: []Option{{Value: "police", Label: "Police"}}}),
			in(Actions(), Button(Primary, "", "", "Send the message"), Button(Danger, "_x", "1", "Remove the draft")),
			in(Expander("How is this counted?", false), Text("From the day it became pending.")),
			FileList([]File{{Name: "decision.pdf", Size: "120 kB", Href: "#"}}),
		),
	)
}
