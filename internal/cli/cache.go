package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/spf13/cobra"
)

func newCacheCmd(s *Streams) *cobra.Command {
	var output outputForm
	cmd := &cobra.Command{
		Use:     "cache",
		GroupID: "look",
		Short:   "List what lambkin keeps, and remove it",
		Long: `List what lambkin keeps in its cache folder: container images, each unpacked
once, and what else makes the next run faster. All of it can be removed at any
time and comes back when it is needed.

Images that have not been used for longest are removed by themselves when all
take more than 20 GiB, or than LAMBKIN_CACHE_LIMIT.`,
		Example: `  lambkin cache
  lambkin cache --output json
  lambkin cache clean public.ecr.aws/lambda/nodejs:22
  LAMBKIN_CACHE_LIMIT=5GB lambkin cache`,
		Args:              GroupArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			c, err := app.Cache(s.Env)
			if err != nil {
				return err
			}
			if output.json {
				return cacheJSON(s.Out, c)
			}
			return cacheText(s.Out, c, time.Now())
		},
	}
	output.add(cmd, "`form`: text or json")
	cmd.AddCommand(newCacheCleanCmd(s))
	return cmd
}

func newCacheCleanCmd(s *Streams) *cobra.Command {
	var (
		output outputForm
		all    bool
	)
	cmd := &cobra.Command{
		Use:   "clean [NAME…]",
		Short: "Remove images and other parts of the cache",
		Long: `Remove images, by name or digest, and other parts of the cache by the names that
"lambkin cache" lists. It asks nothing and says what was freed. An image is removed with
all names that it has.

Without names it removes what is kept for images to come only: compressed layers, and
what was left when lambkin was killed.

Images that are in use stay, which makes the exit status 2.`,
		Example: `  lambkin cache clean
  lambkin cache clean public.ecr.aws/lambda/nodejs:22 esbuild
  lambkin cache clean sha256:3f786850e387
  lambkin cache clean --all`,
		Args: func(_ *cobra.Command, args []string) error {
			if all && len(args) > 0 {
				return app.BadCall("leave out one of the two", "--all removes everything, so there is no use in naming %q", args[0])
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
			return cachedNames(s, given), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, names []string) error {
			removed, err := app.CleanCache(s.Env, names, all)
			var failed error
			if output.json {
				failed = cleanedJSON(s.Out, removed)
			} else {
				failed = cleanedText(s.Out, removed, err == nil)
			}
			if err == nil {
				err = failed
			}
			return err
		},
	}
	cmd.Flags().BoolVarP(&all, "all", "a", false, "remove everything that is not in use")
	output.add(cmd, "`form`: text or json")
	return cmd
}

// cachedNames are the names that can be removed, without those given already.
func cachedNames(s *Streams, given []string) []string {
	c, err := app.Cache(s.Env)
	if err != nil {
		return nil
	}
	var names []string
	for _, i := range c.Images {
		names = append(names, i.Names...)
	}
	for _, p := range c.Parts {
		names = append(names, p.Name+"\t"+p.About)
	}
	taken := map[string]bool{}
	for _, name := range given {
		taken[name] = true
	}
	var free []string
	for _, name := range names {
		if word, _, _ := strings.Cut(name, "\t"); !taken[word] {
			free = append(free, name)
		}
	}
	return free
}

func cacheText(w io.Writer, c app.CacheContents, now time.Time) error {
	var sum int64
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(c.Images) > 0 {
		fmt.Fprintln(t, "IMAGE\tDIGEST\tARCHITECTURE\tSIZE\tLAST USED")
	}
	for _, i := range c.Images {
		used := ageText(now.Sub(i.Used))
		if i.InUse {
			used = "in use"
		}
		names := i.Names
		if len(names) == 0 {
			names = []string{"-"}
		}
		for n, name := range names {
			size := app.SizeText(i.Size)
			if n > 0 {
				size = "the same"
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", name, shortDigest(i), orDash(i.Architecture), size, used)
		}
		sum += i.Size
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(c.Images) > 0 && len(c.Parts) > 0 {
		fmt.Fprintln(w)
	}
	if len(c.Parts) > 0 {
		fmt.Fprintln(t, "PART\tSIZE\tWHAT IT IS")
	}
	for _, p := range c.Parts {
		fmt.Fprintf(t, "%s\t%s\t%s\n", p.Name, app.SizeText(p.Size), orDash(p.About))
		sum += p.Size
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(c.Images)+len(c.Parts) > 0 {
		fmt.Fprintln(w)
	}
	_, err := fmt.Fprintf(w, "%s in %s; images may take %s\n", app.SizeText(sum), c.Dir, app.SizeText(c.Limit))
	return err
}

// shortDigest is as much of an image's digest as tells images apart.
func shortDigest(i app.CachedImage) string {
	digest := i.Digest
	if digest == "" {
		digest = i.ID
	}
	return digest[:min(len(digest), len("sha256:")+12)]
}

func ageText(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return "just now"
	case d < 2*time.Hour:
		return fmt.Sprintf("%d minutes ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d hours ago", int(d.Hours()))
	}
	return fmt.Sprintf("%d days ago", int(d.Hours()/24))
}

func cleanedText(w io.Writer, removed []app.Removed, quietly bool) error {
	var sum int64
	for _, r := range removed {
		sum += r.Size
		if _, err := fmt.Fprintf(w, "removed %s, %s\n", r.Name, app.SizeText(r.Size)); err != nil {
			return err
		}
	}
	var err error
	switch {
	case len(removed) == 0 && quietly:
		_, err = fmt.Fprintln(w, "there is nothing to remove")
	case len(removed) > 1:
		_, err = fmt.Fprintf(w, "%s in all\n", app.SizeText(sum))
	}
	return err
}

func cacheJSON(w io.Writer, c app.CacheContents) error {
	type image struct {
		Names        []string  `json:"names"`
		Digest       string    `json:"digest,omitempty"`
		ID           string    `json:"id"`
		Architecture string    `json:"architecture"`
		Size         int64     `json:"sizeBytes"`
		Used         time.Time `json:"lastUsed"`
		InUse        bool      `json:"inUse"`
	}
	type part struct {
		Name  string `json:"name"`
		About string `json:"about,omitempty"`
		Size  int64  `json:"sizeBytes"`
	}
	out := struct {
		Dir    string  `json:"dir"`
		Limit  int64   `json:"imageLimitBytes"`
		Images []image `json:"images"`
		Parts  []part  `json:"parts"`
	}{Dir: c.Dir, Limit: c.Limit, Images: []image{}, Parts: []part{}}
	for _, i := range c.Images {
		out.Images = append(out.Images, image{append([]string{}, i.Names...), i.Digest, i.ID, i.Architecture, i.Size, i.Used.UTC(), i.InUse})
	}
	for _, p := range c.Parts {
		out.Parts = append(out.Parts, part(p))
	}
	return indented(w, out)
}

func cleanedJSON(w io.Writer, removed []app.Removed) error {
	type entry struct {
		Name string `json:"name"`
		Size int64  `json:"sizeBytes"`
	}
	out := struct {
		Removed []entry `json:"removed"`
		Freed   int64   `json:"freedBytes"`
	}{Removed: []entry{}}
	for _, r := range removed {
		out.Removed = append(out.Removed, entry(r))
		out.Freed += r.Size
	}
	return indented(w, out)
}

func indented(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
