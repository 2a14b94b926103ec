"""What 'spate lab' says without any server: usage, and mistakes in lab.yaml with their places."""
import unittest

from harness import Case

GOOD = "main: {uri: 'postgresql:///m'}\nshards: [{uri: 'postgresql:///a'}, {uri: 'postgresql:///b'}]\n"


class Lab(Case):
    def test_no_lab(self):
        self.spate_fails(2, "lab", "up", says=r'there is no lab in "lab"')
        self.spate_fails(2, "lab", "status", "--lab", "nowhere", says=r'there is no lab in "nowhere"')

    def test_usage(self):
        self.spate_fails(2, "lab", says="'lab' needs a command")
        self.spate_fails(2, "lab", "frob", says='unknown command "frob"')
        self.spate_fails(2, "lab", "init", "--shards", "0", says="1 to 96 shards, not 0")
        self.spate_fails(2, "lab", "init", "--shards", "97", says="1 to 96 shards, not 97")
        self.spate_fails(2, "lab", "init", "--port", "80", says="ports go from 1024")
        self.spate_fails(2, "lab", "init", "--bounds", "5,4", "--placement", "range", says="bounds must rise")
        self.spate_fails(2, "lab", "init", "--bounds", "5", says="bounds are for range")
        self.spate_fails(2, "lab", "init", "--bounds", "5,x", says="--bounds takes whole numbers")
        self.spate_fails(2, "lab", "init", "--placement", "range", says="needs 2 bounds, not 0")
        self.spate_fails(2, "lab", "init", "--attach", says="--attach needs MAINDB_URL")
        self.spate_fails(2, "lab", "init", "--attach", "--shards", "2", says="--attach takes servers as they are")
        self.assertEqual(list(self.dir.glob("*")), [])
        self.write("lab.yaml", GOOD)
        self.spate_fails(2, "lab", "destroy", says="there is nobody to ask")
        self.spate_fails(2, "lab", "up", "shard2", says='no server "shard2": it has main and shard0 to shard1')

    def test_every_mistake_with_its_place(self):
        self.write("lab.yaml", "main: {prot: 24300}\nshards:\n  - {port: 99}\n  - {port: 24302, uri: 'x'}\n  - 7\nplacement: hsh\n"
                   "slots: [0, 1]\nsettings: [a]\ntables:\n  users: {key: id, copied: true}\n  lands: {copied: no}\nfrob: 1\n")
        self.spate_fails(2, "lab", "status", says=[
            r'lab.yaml:1:8: "prot" is no key here; did you mean "port"\?', r"lab.yaml:1:7: expected a server with either",
            r'lab.yaml:3:12: "99" is not a port', r"lab.yaml:4:5: expected a server with either a port or a uri",
            r'lab.yaml:5:5: "7" expected a server', r'lab.yaml:6:12: "hsh" is no placement'])
        self.write("lab.yaml", GOOD + "slots: [0, 1]\nsettings: [a]\ntables:\n  users: {key: id, copied: true}\n  lands: {copied: no}\nfrob: 1\n")
        self.spate_fails(2, "lab", "status", says=[
            r"lab.yaml:3:8: expected a list of 960", r"lab.yaml:4:11: expected settings", r"lab.yaml:6:10: expected \{key",
            r"lab.yaml:7:10: expected \{key", r'lab.yaml:8:1: "frob" is no key here'])

    def test_what_stands_beside_the_servers(self):
        own = "main: {port: 24300}\nshards: [{port: 24301}]\n"
        self.write("lab.yaml", own + "cpu: lots\nreplicas:\n  replica0: {port: 24302, of: shard7}\n  ../x: {port: 24303, of: main}\n"
                   "pool: {port: 24304}\ncache: {bytes: 5}\n")
        self.spate_fails(2, "lab", "status", says=[
            r'lab.yaml:5:31: "shard7" is no server of the lab.s own', r'lab.yaml:6:3: "../x" expected a replica',
            r"lab.yaml:7:7: expected a pool such as", r'lab.yaml:8:16: "5" is not a number of bytes', r'lab.yaml:3:6: "lots" is no number of processors'])
        self.write("lab.yaml", GOOD + "replicas:\n  replica0: {port: 24302, of: main}\n")
        self.spate_fails(2, "lab", "status", says=r'"main" is no server of the lab.s own to follow')
        for words in (("pool", "up"), ("cache", "up"), ("replica", "add")):
            self.write("lab.yaml", GOOD)
            self.spate_fails(2, "lab", *words, says="attached")
        self.spate_fails(3, "lab", "up", "--cpu", "0.5", says="CPU budgets are for servers of the lab.s own")
        self.spate_fails(2, "lab", "bench", "--cpu", "0", says="--cpu takes processors")

    def test_placements_of_lab_yaml(self):
        self.write("lab.yaml", GOOD + "placement: range\nbounds: [5, 5]\n")
        self.spate_fails(2, "lab", "status", says=r"lab.yaml:4:9: expected \"bounds\", a list of 1 numbers")
        self.write("lab.yaml", GOOD + "placement: list\nvalues: [[a], [b], [c]]\n")
        self.spate_fails(2, "lab", "status", says=r"lab.yaml:4:9: expected \"values\", a list of at most 2")
        self.write("lab.yaml", "main: [\n")
        self.spate_fails(2, "lab", "status", says=r"lab.yaml:\d+:\d+: not YAML")
        self.write("lab.yaml", "")
        self.spate_fails(2, "lab", "status", says=r"expected the keys main and shards, found nothing")


if __name__ == "__main__":
    unittest.main()
