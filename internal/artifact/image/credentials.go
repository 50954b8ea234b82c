package image

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// Credentials are those with which the user has signed in at a registry
// ("public.ecr.aws"), by Docker's configuration and its helpers; "" for nobody.
// A user "<token>" has an identity token for a secret.
func Credentials(ctx context.Context, registry string) (user, secret string, err error) {
	r, err := name.NewRegistry(registry)
	if err != nil {
		return "", "", refuse("", "%q is no registry", registry)
	}
	auth, err := authn.Resolve(ctx, authn.DefaultKeychain, r)
	if err != nil {
		return "", "", fmt.Errorf("looking for credentials for %s: %w", registry, err)
	}
	config, err := authn.Authorization(ctx, auth)
	if err != nil {
		return "", "", fmt.Errorf("looking for credentials for %s: %w", registry, err)
	}
	if config.IdentityToken != "" {
		return "<token>", config.IdentityToken, nil
	}
	return config.Username, config.Password, nil
}
