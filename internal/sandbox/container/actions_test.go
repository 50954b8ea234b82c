package container

func act() {}
