-- Brackets and blanks in names, MONEY and NVARCHAR affinities, composite keys, self references, conditions on birth days.
CREATE TABLE [Customers] ([CustomerID] NCHAR(5) NOT NULL PRIMARY KEY CHECK (length([CustomerID]) = 5), [Company Name] NVARCHAR(40) NOT NULL, [Fax No.] TEXT, "Reg""ion" TEXT COLLATE NOCASE);
CREATE TABLE [Employees] ([EmployeeID] INTEGER PRIMARY KEY AUTOINCREMENT, [Last Name] TEXT NOT NULL, BirthDate DATE CHECK (BirthDate < '2020-01-01'), Photo BLOB, ReportsTo INTEGER REFERENCES [Employees], Salary MONEY CHECK (Salary >= 0), "Group" TEXT DEFAULT (lower('X')));
CREATE TABLE [Order Details] ([OrderID] INTEGER NOT NULL, [ProductID] INTEGER NOT NULL, [UnitPrice] NUMERIC NOT NULL DEFAULT 0, [Quantity] SMALLINT NOT NULL DEFAULT 1, [Discount] REAL NOT NULL DEFAULT 0,
    PRIMARY KEY ([OrderID], [ProductID]), CHECK ([Discount] >= (0) AND [Discount] <= (1)), CHECK ([Quantity] > (0)), CHECK ([UnitPrice] >= (0)),
    FOREIGN KEY ([OrderID]) REFERENCES [Orders] ([OrderID]) ON DELETE NO ACTION, FOREIGN KEY ([ProductID]) REFERENCES [Products] ([ProductID]));
CREATE TABLE [Orders] ([OrderID] INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, [CustomerID] TEXT, [EmployeeID] INTEGER, [OrderDate] DATETIME NOT NULL, [ShippedDate] DATETIME, [Freight] NUMERIC DEFAULT 0 CHECK (Freight BETWEEN 0 AND 5000.5), [ShipVia] INTEGER,
    CHECK ([ShippedDate] >= [OrderDate]), FOREIGN KEY ([CustomerID]) REFERENCES [Customers] ([CustomerID]), FOREIGN KEY ([EmployeeID]) REFERENCES [Employees] ([EmployeeID]));
CREATE TABLE [Products] ([ProductID] INTEGER PRIMARY KEY, [ProductName] TEXT NOT NULL UNIQUE, [Discontinued] TEXT NOT NULL DEFAULT '0' CHECK (Discontinued IN ('0', '1')), [Units] INTEGER CHECK (Units >= 0) DEFAULT 0, CHECK (typeof(Units) IN ('integer', 'null')));
CREATE TABLE [EmployeeTerritories] ([EmployeeID] INTEGER NOT NULL REFERENCES [Employees], [TerritoryID] TEXT NOT NULL, PRIMARY KEY ([EmployeeID], [TerritoryID])) WITHOUT ROWID;
CREATE VIEW [All of them] AS SELECT * FROM Orders;
CREATE TRIGGER t AFTER INSERT ON Customers BEGIN SELECT 1; END;
