package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// CachedLayer is the folder in which SAM CLI's layer cache keeps the content of
// a layer version: its name, its version and the beginning of its ARN's hash.
func CachedLayer(cache, arn string) string {
	parts := strings.Split(arn, ":")
	sum := sha256.Sum256([]byte(arn))
	name := strings.Join(append(parts[max(len(parts)-2, 0):], hex.EncodeToString(sum[:])[:10]), "-")
	return filepath.Join(cache, name)
}

// cached finds a published layer in the cache.
func cached(l lambda.Layer, cache string) (string, error) {
	missing := &Unavailable{What: "layer", Where: l.ARN, Source: l.Source}
	if cache == "" {
		missing.Hint = "define the layer in the project with a folder as its content, or name a folder with fetched layers: --layer-cache-basedir"
		return "", missing
	}
	dir := CachedLayer(cache, l.ARN)
	st, err := os.Stat(dir)
	if err == nil && st.IsDir() {
		return dir, nil
	}
	missing.Hint = fmt.Sprintf("fetch it into %[1]s:\n"+
		"  curl -o layer.zip \"$(aws lambda get-layer-version-by-arn%[2]s --arn %[3]s --query Content.Location --output text)\"\n"+
		"  mkdir -p %[1]q && unzip -q layer.zip -d %[1]q", dir, region(l.ARN), l.ARN)
	return "", missing
}

// region is the option for the region of an ARN, which need not be the user's.
func region(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 3 && parts[3] != "" {
		return " --region " + parts[3]
	}
	return ""
}
