-- a music shop in the style of SQLite: brackets, affinities, rowids, foreign keys of all sorts
CREATE TABLE [artist] ([ArtistId] INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, [Name] NVARCHAR(120));
CREATE TABLE "album" ("AlbumId" INTEGER PRIMARY KEY, "Title" NVARCHAR(160) NOT NULL, "ArtistId" INTEGER NOT NULL, FOREIGN KEY ("ArtistId") REFERENCES artist ("ArtistId") ON DELETE CASCADE);
CREATE TABLE employee (EmployeeId INTEGER PRIMARY KEY, LastName NVARCHAR(20) NOT NULL, FirstName TEXT NOT NULL, ReportsTo INTEGER REFERENCES employee, BirthDate DATETIME,
    HireDate DATETIME, Email TEXT UNIQUE COLLATE NOCASE, Salary NUMERIC(10,2) CHECK (Salary BETWEEN 1000 AND 9000));
CREATE TABLE track (TrackId INTEGER PRIMARY KEY, Name TEXT NOT NULL, AlbumId INTEGER REFERENCES album(AlbumId), Milliseconds INT NOT NULL CHECK (Milliseconds > 0), Bytes BIGINT,
    UnitPrice DOUBLE NOT NULL DEFAULT 0.99, Explicit BOOLEAN NOT NULL, Data BLOB, anything, Genre TEXT CHECK (Genre IN ('rock', 'jazz', 'pop')), Twice INT AS (Milliseconds * 2));
CREATE TABLE playlist_track (PlaylistId INTEGER NOT NULL, TrackId INTEGER NOT NULL REFERENCES track, PRIMARY KEY (PlaylistId, TrackId)) WITHOUT ROWID;
CREATE UNIQUE INDEX track_name ON track (Name COLLATE NOCASE);
CREATE INDEX track_album ON track (AlbumId DESC);
CREATE VIEW v AS SELECT * FROM track;
