package diag

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func at(line, column, end int) Range {
	r := Range{File: "f.yaml", Start: Pos{line, column}}
	if end > 0 {
		r.End = Pos{line, end}
	}
	return r
}

func TestRangesAreWrittenAsEditorsReadThem(t *testing.T) {
	tests := []struct {
		name string
		r    Range
		want string
	}{
		{"nothing", Range{}, ""},
		{"file", Range{File: "f.yaml"}, "f.yaml"},
		{"place", at(3, 7, 9), "f.yaml:3:7"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.r.String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestListsCollectDiagnostics(t *testing.T) {
	var l List
	l.Warnf(at(1, 1, 0), "w", "a %s", "warning").Hint = "mend it"
	l.Notef(Range{}, "n", "a note").Subject = "F"
	if l.HasErrors() || l.Err() != nil || l.Error() != "" {
		t.Errorf("a list without errors has %q", l.Error())
	}
	l.Errorf(at(2, 5, 0), "e", "an error").Detail = "Because."
	l.Errorf(Range{}, "e", "another").Subject = "G"
	want := List{
		{Severity: Warning, Code: "w", Summary: "a warning", Range: at(1, 1, 0), Hint: "mend it"},
		{Severity: Note, Code: "n", Summary: "a note", Subject: "F"},
		{Severity: Error, Code: "e", Summary: "an error", Range: at(2, 5, 0), Detail: "Because."},
		{Severity: Error, Code: "e", Summary: "another", Subject: "G"},
	}
	if d := cmp.Diff(want, l); d != "" {
		t.Errorf("list (-want +got):\n%s", d)
	}
	if d := cmp.Diff("f.yaml:2:5: an error\nanother", l.Err().Error()); d != "" {
		t.Errorf("as an error (-want +got):\n%s", d)
	}
	var back List
	if !errors.As(l.Err(), &back) || len(back) != 4 {
		t.Error("the error is no list")
	}
}

func TestListsAreSiftedForOneFunction(t *testing.T) {
	l := List{{Summary: "project"}, {Summary: "F", Subject: "F"}, {Summary: "G", Subject: "G", Severity: Warning}}
	tests := []struct {
		name, path, want string
	}{
		{"a function with problems", "F", "project,F"},
		{"another", "G", "project,G"},
		{"a function without", "H", "project"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, d := range l.For(tt.path) {
				got = append(got, d.Summary)
			}
			if strings.Join(got, ",") != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestNearestNames(t *testing.T) {
	tests := []struct {
		name, given string
		candidates  []string
		want        string
	}{
		{"swapped letters", "Tabel", []string{"Queue", "Table"}, "Table"},
		{"a letter too few", "Timout", []string{"Timeout"}, "Timeout"},
		{"a letter too many", "Handlerr", []string{"Handler"}, "Handler"},
		{"another case", "codeuri", []string{"CodeUri"}, "CodeUri"},
		{"the nearest of two", "Environmet", []string{"Environments", "Environment"}, "Environment"},
		{"the first of equals", "Tabla", []string{"Table", "Tablo"}, "Table"},
		{"too far", "Queue", []string{"Table"}, ""},
		{"short names must be close", "ab", []string{"cd"}, ""},
		{"not the name itself", "Table", []string{"Table"}, ""},
		{"nothing to choose from", "Table", nil, ""},
		{"no name", "", []string{"a"}, ""},
		{"letters beyond ASCII", "größe", []string{"grösse", "Größer"}, "Größer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Nearest(tt.given, tt.candidates); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPrinterShowsThePlace(t *testing.T) {
	const file = "a: 1\n\tb: !GetAtt Tabel.Arn # c\nümlaut: x\n" + "\n"
	tests := []struct {
		name string
		d    Diagnostic
		want string
	}{
		{
			"everything",
			Diagnostic{Summary: "no such resource", Range: at(2, 5, 23), Detail: "First.\nSecond.", Hint: `did you mean "Table"?`},
			"f.yaml:2:5: error: no such resource\n    2 | \tb: !GetAtt Tabel.Arn # c\n      | \t   ^~~~~~~~~~~~~~~~~~\n  First.\n  Second.\nhint: did you mean \"Table\"?\n",
		},
		{"no place", Diagnostic{Severity: Warning, Summary: "hm"}, "lambkin: warning: hm\n"},
		{"only a file", Diagnostic{Severity: Note, Summary: "hm", Range: Range{File: "f.yaml"}}, "f.yaml: note: hm\n"},
		{"start only", Diagnostic{Summary: "x", Range: at(1, 4, 0)}, "f.yaml:1:4: error: x\n    1 | a: 1\n      |    ^\n"},
		{"letters beyond ASCII", Diagnostic{Summary: "x", Range: at(3, 9, 10)}, "f.yaml:3:9: error: x\n    3 | ümlaut: x\n      |         ^\n"},
		{"end behind the line", Diagnostic{Summary: "x", Range: at(1, 1, 99)}, "f.yaml:1:1: error: x\n    1 | a: 1\n      | ^~~~\n"},
		{"end on a later line", Diagnostic{Summary: "x", Range: Range{"f.yaml", Pos{1, 1}, Pos{2, 3}}}, "f.yaml:1:1: error: x\n    1 | a: 1\n      | ^~~~\n"},
		{"behind the end of a line", Diagnostic{Summary: "x", Range: at(1, 5, 0)}, "f.yaml:1:5: error: x\n    1 | a: 1\n      |     ^\n"},
		{"column that is not there", Diagnostic{Summary: "x", Range: at(1, 50, 0)}, "f.yaml:1:50: error: x\n"},
		{"line that is not there", Diagnostic{Summary: "x", Range: at(50, 1, 0)}, "f.yaml:50:1: error: x\n"},
		{"file that is not there", Diagnostic{Summary: "x", Range: Range{File: "gone", Start: Pos{1, 1}}}, "gone:1:1: error: x\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b strings.Builder
			p := Printer{W: &b, ReadFile: func(name string) ([]byte, error) {
				if name != "f.yaml" {
					return nil, errors.New("no such file")
				}
				return []byte(file), nil
			}}
			p.Print(List{tt.d})
			if d := cmp.Diff(tt.want, b.String()); d != "" {
				t.Errorf("text (-want +got):\n%s", d)
			}
		})
	}
}

func TestPrinterPaintsAndReadsAFileOnce(t *testing.T) {
	var b strings.Builder
	reads := 0
	p := Printer{W: &b, Color: true, ReadFile: func(string) ([]byte, error) { reads++; return []byte("a: 1\r\n"), nil }}
	p.Print(List{{Summary: "x", Range: at(1, 1, 2), Hint: "y"}, {Summary: "z", Range: at(1, 4, 0)}})
	want := bold + "f.yaml:1:1" + reset + ": " + red + "error:" + reset + " x\n    1 | a: 1\n      | " + red + "^" + reset + "\n" + cyan + "hint:" + reset + " y\n"
	if d := cmp.Diff(want, b.String()[:min(len(want), b.Len())]); d != "" {
		t.Errorf("text (-want +got):\n%s", d)
	}
	if reads != 1 {
		t.Errorf("the file was read %d times", reads)
	}
}
