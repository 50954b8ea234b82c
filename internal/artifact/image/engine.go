package image

import (
	"context"
	"errors"
)

// fromEngine gets an image that a container engine has. The error is
// [ErrNotFound] when it has none of that name.
func (g *getting) fromEngine(ctx context.Context) (*Image, error) {
	engine, stamp := g.options.Engine, ""
	if engine.ID != nil {
		id, err := engine.ID(ctx, g.name)
		if err != nil {
			return nil, g.engineFailed(err)
		}
		stamp = "engine " + id
		img, err := g.known(ctx, func(r record) bool { return r.Stamp == stamp })
		if img != nil || err != nil {
			return img, err
		}
	}
	stream, err := engine.Save(ctx, g.name)
	if err != nil {
		return nil, g.engineFailed(err)
	}
	// Whoever reads from an engine that has stopped waits for ever.
	stop := context.AfterFunc(ctx, func() { _ = stream.Close() })
	defer stop()
	defer stream.Close()
	place, err := g.store.workplace()
	if err != nil {
		return nil, err
	}
	defer place.remove()
	f, err := g.spool(ctx, place, stream)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return g.fromArchive(ctx, f, where{kind: inArchive}, stamp)
}

func (g *getting) engineFailed(err error) error {
	if errors.Is(err, ErrNotFound) {
		return ErrNotFound
	}
	return &Error{Reason: "the container engine does not hand it out", Err: err}
}
