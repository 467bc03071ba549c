"""The guided setup of a station, one page a file's subject; it sees `desk.guided` and no key."""
