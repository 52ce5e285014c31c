-- A user for restock in Fleet's database: it may read the tables named below, and do nothing else.
--
-- Change the password, and run this as somebody who may grant, in Fleet's database:
--
--     mysql fleet < grants.sql
--
-- It may be run again, and should be after each upgrade of Fleet: tables that an older Fleet did not
-- have yet are granted then. Works with MySQL 8 and MariaDB 10.6 or newer.
--
-- Whoever wants to leave this file as it is sets the variables before it:
--
--     { echo "SET @restock_password = '…';"; cat grants.sql; } | mysql fleet

SET @restock_user = IFNULL(@restock_user, 'restock');
-- CHANGE
SET @restock_password = IFNULL(@restock_password, 'CHANGE-ME');
-- From where it may connect: '%' for anywhere, or a network such as '10.0.%'.
SET @restock_host = IFNULL(@restock_host, '%');
-- 'SSL' lets it connect by TLS alone, 'X509' with a certificate of its own alone.
SET @restock_require = IFNULL(@restock_require, 'NONE');

-- What is wrong is told as a statement that no server understands, and ends the run.
SET @statement = CASE
    WHEN DATABASE() IS NULL THEN 'name the database of Fleet: mysql fleet < grants.sql'
    WHEN @restock_password = 'CHANGE-ME' THEN 'write a password into this file first'
    WHEN NOT EXISTS (SELECT 1 FROM information_schema.tables
                     WHERE table_schema = DATABASE() AND table_name = 'software_installers')
        THEN 'this is no database of Fleet: it has no table software_installers'
    ELSE 'DO 0'
END;
PREPARE restock FROM @statement; EXECUTE restock;

-- A user that is there already keeps its password.
SET @grantee = CONCAT(QUOTE(@restock_user), '@', QUOTE(@restock_host));
SET @statement = CONCAT('CREATE USER IF NOT EXISTS ', @grantee,
                        ' IDENTIFIED BY ', QUOTE(@restock_password));
PREPARE restock FROM @statement; EXECUTE restock;
SET @statement = CONCAT('ALTER USER ', @grantee, ' REQUIRE ', @restock_require);
PREPARE restock FROM @statement; EXECUTE restock;

-- A table that this Fleet does not have cannot be granted: there, nothing is done.
SET @may_read = CONCAT('GRANT SELECT ON `', REPLACE(DATABASE(), '`', '``'), '`.');
SET @to_restock = CONCAT(' TO ', @grantee);

-- Software packages. Without this one restock does not start.
SET @statement = IF(EXISTS (SELECT 1 FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_name = 'software_installers'),
    CONCAT(@may_read, 'software_installers', @to_restock), 'DO 0');
PREPARE restock FROM @statement; EXECUTE restock;

-- Apps for iOS and iPadOS, which lie beside the packages. Where it is there, restock needs it.
SET @statement = IF(EXISTS (SELECT 1 FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_name = 'in_house_apps'),
    CONCAT(@may_read, 'in_house_apps', @to_restock), 'DO 0');
PREPARE restock FROM @statement; EXECUTE restock;

-- Bootstrap packages. Their bytes are never read, if they lie here: restock asks only whether.
SET @statement = IF(EXISTS (SELECT 1 FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_name = 'mdm_apple_bootstrap_packages'),
    CONCAT(@may_read, 'mdm_apple_bootstrap_packages', @to_restock), 'DO 0');
PREPARE restock FROM @statement; EXECUTE restock;

-- Icons of software.
SET @statement = IF(EXISTS (SELECT 1 FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_name = 'software_title_icons'),
    CONCAT(@may_read, 'software_title_icons', @to_restock), 'DO 0');
PREPARE restock FROM @statement; EXECUTE restock;

-- Which migrations Fleet has made: so restock tells a Fleet that is too old for a table from a
-- table that it may not read.
SET @statement = IF(EXISTS (SELECT 1 FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_name = 'migration_status_tables'),
    CONCAT(@may_read, 'migration_status_tables', @to_restock), 'DO 0');
PREPARE restock FROM @statement; EXECUTE restock;

-- The rest tells only where bytes can be had again. restock works without, and heals less: leave
-- out what it should not see.

-- Names of Fleet-maintained apps, by which it finds their manifests.
SET @statement = IF(EXISTS (SELECT 1 FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_name = 'fleet_maintained_apps'),
    CONCAT(@may_read, 'fleet_maintained_apps', @to_restock), 'DO 0');
PREPARE restock FROM @statement; EXECUTE restock;

-- The texts of scripts: of a package that is a script, the file itself.
SET @statement = IF(EXISTS (SELECT 1 FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_name = 'script_contents'),
    CONCAT(@may_read, 'script_contents', @to_restock), 'DO 0');
PREPARE restock FROM @statement; EXECUTE restock;

-- Settings of teams, with the URLs of their bootstrap packages. restock reads that URL alone; the
-- right is to the whole.
SET @statement = IF(EXISTS (SELECT 1 FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_name = 'teams'),
    CONCAT(@may_read, 'teams', @to_restock), 'DO 0');
PREPARE restock FROM @statement; EXECUTE restock;

-- The settings of the whole, with the URL of the bootstrap package of those in no team. They may
-- hold secrets, such as the password of a mail server.
SET @statement = IF(EXISTS (SELECT 1 FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_name = 'app_config_json'),
    CONCAT(@may_read, 'app_config_json', @to_restock), 'DO 0');
PREPARE restock FROM @statement; EXECUTE restock;

-- Nothing is needed beyond this database. A right to the whole server is optional: with it, restock
-- recognizes a replica that takes writes as one.
--
--     GRANT REPLICATION CLIENT ON *.* TO 'restock'@'%';   -- MySQL
--     GRANT REPLICA MONITOR ON *.* TO 'restock'@'%';      -- MariaDB

-- What it may do here now.
SET @statement = CONCAT('SELECT table_name AS `table`, privilege_type AS `right` ',
                        'FROM information_schema.table_privileges WHERE grantee = ',
                        QUOTE(@grantee), ' AND table_schema = DATABASE() ORDER BY table_name');
PREPARE restock FROM @statement; EXECUTE restock;
DEALLOCATE PREPARE restock;
